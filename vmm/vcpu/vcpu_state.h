// SPDX-License-Identifier: Apache-2.0
//
// What a snapshot keeps of a vCPU. Mode-independent: selectors, descriptor
// tables and entry points belong to the run, and a snapshot is only taken at
// the kernel's safe point, in kernel code. vCPU thread.
#ifndef CRVM_VMM_VCPU_VCPU_STATE_H_
#define CRVM_VMM_VCPU_VCPU_STATE_H_

#include <linux/kvm.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "guestkernel/abi/layout.h"
#include "vmm/base/state_codec.h"
#include "vmm/boot/kernel_image.h"
#include "vmm/kvm/kvm.h"

namespace crvm {

struct VcpuState {
  static constexpr uint32_t kVersion = 1;
  kvm_regs regs = {};  // sixteen GPRs, rip, rflags
  uint64_t cr3 = 0;
  uint64_t fs_base = 0;
  uint64_t gs_base = 0;
  uint64_t xcr0 = 0;
  std::vector<uint8_t> xsave;  // KVM_GET_XSAVE: standard format, 4 KiB
};
void Encode(const VcpuState& state, StateWriter& writer);
absl::StatusOr<VcpuState> DecodeVcpuState(StateReader& reader);

absl::StatusOr<VcpuState> SaveVcpu(KvmVcpu& vcpu, uint64_t xcr0);

// How a vCPU is brought to life: at boot and at restore the same.
struct VcpuSetup {
  abi::PrivilegeMode mode = abi::PrivilegeMode::kSupervisor;
  unsigned index = 0;
  uint64_t syscall_entry = 0;
};
// In the order that KVM wants (ARCHITECTURE.md, "The VMM"): registers, special
// registers, XSAVE, XCR0, MSRs; CPUID was set before.
absl::Status RestoreVcpu(KvmVcpu& vcpu, const VcpuState& state,
                         const VcpuSetup& setup);

}  // namespace crvm
#endif  // CRVM_VMM_VCPU_VCPU_STATE_H_
