// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/vcpu_state.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "vmm/base/status_macros.h"
#include "vmm/boot/descriptor_tables.h"
#include "vmm/kvm/kvm_abi.h"

namespace crvm {
namespace {

// The fields of kvm_regs in a fixed order of our own.
constexpr __u64 kvm_regs::*kRegisters[] = {
    &kvm_regs::rax, &kvm_regs::rbx,   &kvm_regs::rcx, &kvm_regs::rdx,
    &kvm_regs::rsi, &kvm_regs::rdi,   &kvm_regs::rsp, &kvm_regs::rbp,
    &kvm_regs::r8,  &kvm_regs::r9,    &kvm_regs::r10, &kvm_regs::r11,
    &kvm_regs::r12, &kvm_regs::r13,   &kvm_regs::r14, &kvm_regs::r15,
    &kvm_regs::rip, &kvm_regs::rflags};
constexpr uint64_t kInterruptFlag = 0x200;

// MSR numbers: SDM vol. 4, table 2-2.
constexpr uint32_t kMsrStar = 0xc0000081, kMsrLstar = 0xc0000082,
                   kMsrFmask = 0xc0000084;
// TF, DF, NT, AC: off in the kernel. IF only where the kernel has its own
// privilege level; in deprivileged mode it could not be set again.
constexpr uint64_t kFmask = 0x100 | 0x400 | 0x4000 | 0x40000;

}  // namespace

void Encode(const VcpuState& state, StateWriter& writer) {
  writer.U32(VcpuState::kVersion);
  for (auto field : kRegisters) writer.U64(state.regs.*field);
  writer.U64(state.cr3);
  writer.U64(state.fs_base);
  writer.U64(state.gs_base);
  writer.U64(state.xcr0);
  writer.Bytes(state.xsave);
}

absl::StatusOr<VcpuState> DecodeVcpuState(StateReader& reader) {
  VcpuState state;
  CRVM_ASSIGN_OR_RETURN(uint32_t version, reader.U32());
  if (version != VcpuState::kVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("vCPU state has version ", version, ", this crvm knows ",
                     VcpuState::kVersion));
  }
  for (auto field : kRegisters) {
    CRVM_ASSIGN_OR_RETURN(uint64_t value, reader.U64());
    state.regs.*field = value;
  }
  CRVM_ASSIGN_OR_RETURN(state.cr3, reader.U64());
  CRVM_ASSIGN_OR_RETURN(state.fs_base, reader.U64());
  CRVM_ASSIGN_OR_RETURN(state.gs_base, reader.U64());
  CRVM_ASSIGN_OR_RETURN(state.xcr0, reader.U64());
  CRVM_ASSIGN_OR_RETURN(state.xsave, reader.Bytes(kvm_abi::kXsaveSize));
  if (state.xsave.size() != kvm_abi::kXsaveSize) {
    return absl::InvalidArgumentError("vCPU state: XSAVE area is short");
  }
  return state;
}

absl::StatusOr<VcpuState> SaveVcpu(KvmVcpu& vcpu, uint64_t xcr0) {
  VcpuState state;
  CRVM_ASSIGN_OR_RETURN(state.regs, vcpu.GetRegs());
  CRVM_ASSIGN_OR_RETURN(kvm_sregs sregs, vcpu.GetSregs());
  state.cr3 = sregs.cr3;
  state.fs_base = sregs.fs.base;
  state.gs_base = sregs.gs.base;
  state.xcr0 = xcr0;
  CRVM_ASSIGN_OR_RETURN(state.xsave, vcpu.GetXsave());
  return state;
}

absl::Status RestoreVcpu(KvmVcpu& vcpu, const VcpuState& state,
                         const VcpuSetup& setup) {
  bool supervisor = setup.mode == abi::PrivilegeMode::kSupervisor;
  kvm_regs regs = state.regs;
  regs.rflags =
      (regs.rflags & ~kInterruptFlag) | (supervisor ? 0 : kInterruptFlag) | 2;
  CRVM_RETURN_IF_ERROR(vcpu.SetRegs(regs));
  CRVM_ASSIGN_OR_RETURN(kvm_sregs sregs, vcpu.GetSregs());
  sregs.cr3 = state.cr3;
  sregs.fs.base = state.fs_base;
  sregs.gs.base = state.gs_base;
  FillSystemRegisters(setup.mode, /*user=*/false, setup.index, &sregs);
  CRVM_RETURN_IF_ERROR(vcpu.SetSregs(sregs));
  CRVM_RETURN_IF_ERROR(vcpu.SetXcr0(state.xcr0));
  CRVM_RETURN_IF_ERROR(vcpu.SetXsave(state.xsave));
  // STAR: SYSCALL loads CS 0x08, SS 0x10; SYSRET would load 0x33 and 0x2b.
  std::array<kvm_msr_entry, 3> msrs = {};
  msrs[0] = {
      kMsrStar, 0,
      uint64_t{abi::kKernelCs} << 32 | uint64_t{abi::kUserCs - 16} << 48};
  msrs[1] = {kMsrLstar, 0, setup.syscall_entry};
  msrs[2] = {kMsrFmask, 0, kFmask | (supervisor ? kInterruptFlag : 0)};
  return vcpu.SetMsrs(msrs);
}

}  // namespace crvm
