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

constexpr int kIterations = 150;  // of two instructions
constexpr int kRounds = 2;
// Interpreting hosts take 850 ns and more; emulated hardware hosts below 10.
constexpr double kInterpretedNs = 150;

// mov ecx, kIterations; 1: dec ecx; jnz 1b; hlt; jmp to the start
constexpr std::array<uint8_t, 12> kProbeCode = {
    0xb9, kIterations, 0, 0, 0, 0xff, 0xc9, 0x75, 0xfc, 0xf4, 0xeb, 0xf4};
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

}  // namespace

absl::StatusOr<HostKind> ProbeHost(KvmVcpu& vcpu, GuestMemory& memory) {
  CRVM_RETURN_IF_ERROR(WriteScratch(memory));
  CRVM_ASSIGN_OR_RETURN(kvm_sregs sregs, vcpu.GetSregs());
  FillSystemRegisters(abi::PrivilegeMode::kSupervisor, false, 0, &sregs);
  sregs.cr3 = kScratchTables;
  CRVM_RETURN_IF_ERROR(vcpu.SetSregs(sregs));
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    kvm_regs regs = {};
    regs.rip = kScratchGpa;
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
    best = std::min(best, took.count() / (2 * kIterations));
  }
  CRVM_RETURN_IF_ERROR(ClearScratch(memory));
  return HostKind{best > kInterpretedNs, best};
}

}  // namespace crvm
