// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/host_probe.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "guestkernel/abi/layout.h"
#include "vmm/base/status_macros.h"
#include "vmm/boot/descriptor_tables.h"

namespace crvm {
namespace {

// Iterations of a loop of two instructions. The difference between two lengths
// leaves out what an exit costs, which may be far more.
constexpr uint64_t kShort = 1, kLong = 150, kLonger = 3000;
constexpr int kRounds = 2;
// An interpreting host takes 500 ns and more for each instruction; a hardware
// host, even an emulated one, below 50. Between the two: measure for longer.
constexpr double kSurelyHardwareNs = 60, kSurelyInterpretedNs = 400,
                 kInterpretedNs = 150;

// 1: dec rcx; jnz 1b; hlt
constexpr std::array<uint8_t, 6> kProbeCode = {0x48, 0xff, 0xc9,
                                               0x75, 0xfb, 0xf4};
constexpr uint64_t kScratchGpa = abi::kBootStringsGpa;
// In the direct map it may not be executed; the shim area is mapped in the
// kernel image area, whose text alone may be. So: a root of its own.
constexpr uint64_t kScratchTables = kScratchGpa + 0x1000;

absl::Status WriteScratch(GuestMemory& memory) {
  CRVM_RETURN_IF_ERROR(memory.Write(GuestAddress(kScratchGpa), kProbeCode));
  // Identity map of the first GiB in 2 MiB pages, as far as is needed.
  uint64_t pml4 = kScratchTables, pdpt = pml4 + 0x1000, pd = pdpt + 0x1000;
  CRVM_RETURN_IF_ERROR(memory.Write(GuestAddress(pml4), pdpt | 7));
  CRVM_RETURN_IF_ERROR(memory.Write(GuestAddress(pdpt), pd | 7));
  return memory.Write(GuestAddress(pd), uint64_t{0x87});
}

absl::Status ClearScratch(GuestMemory& memory) {
  CRVM_ASSIGN_OR_RETURN(auto scratch,
                        memory.Slice(GuestAddress(kScratchGpa), 0x4000));
  std::fill(scratch.begin(), scratch.end(), 0);
  return absl::OkStatus();
}

// The shortest time, of some, that the loop takes.
absl::StatusOr<double> LoopNs(KvmVcpu& vcpu, uint64_t iterations) {
  double best = 1e12;
  for (int round = 0; round < kRounds; ++round) {
    kvm_regs regs = {};
    regs.rip = kScratchGpa;
    regs.rcx = iterations;
    regs.rflags = 2;
    CRVM_RETURN_IF_ERROR(vcpu.SetRegs(regs));
    auto start = std::chrono::steady_clock::now();
    CRVM_ASSIGN_OR_RETURN(bool exited, vcpu.Run());
    std::chrono::duration<double, std::nano> took =
        std::chrono::steady_clock::now() - start;
    if (!exited) continue;  // a signal: not a measurement
    if (vcpu.run().exit_reason != KVM_EXIT_HLT) {
      return absl::InternalError(absl::StrCat(
          "the probe of /dev/kvm failed: exit ", vcpu.run().exit_reason));
    }
    best = std::min(best, took.count());
  }
  return best;
}

absl::StatusOr<double> InstructionNs(KvmVcpu& vcpu, uint64_t iterations) {
  CRVM_ASSIGN_OR_RETURN(double short_ns, LoopNs(vcpu, kShort));
  CRVM_ASSIGN_OR_RETURN(double long_ns, LoopNs(vcpu, iterations));
  double ns = (long_ns - short_ns) / (2.0 * (iterations - kShort));
  return std::max(ns, 0.0);
}

}  // namespace

absl::StatusOr<HostKind> ProbeHost(KvmVcpu& vcpu, GuestMemory& memory) {
  CRVM_RETURN_IF_ERROR(WriteScratch(memory));
  CRVM_ASSIGN_OR_RETURN(kvm_sregs sregs, vcpu.GetSregs());
  FillSystemRegisters(abi::PrivilegeMode::kSupervisor, false, 0, &sregs);
  sregs.cr3 = kScratchTables;
  CRVM_RETURN_IF_ERROR(vcpu.SetSregs(sregs));
  CRVM_ASSIGN_OR_RETURN(double ns, InstructionNs(vcpu, kLong));
  if (ns > kSurelyHardwareNs && ns < kSurelyInterpretedNs) {
    CRVM_ASSIGN_OR_RETURN(ns, InstructionNs(vcpu, kLonger));
  }
  CRVM_RETURN_IF_ERROR(ClearScratch(memory));
  return HostKind{ns > kInterpretedNs, ns};
}

}  // namespace crvm
