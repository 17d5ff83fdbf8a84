// SPDX-License-Identifier: Apache-2.0
//
// GDT, IDT and TSS of the guest (SDM vol. 3, chapters 3, 6, 7), at
// abi::kShimGpa. They depend on the privilege mode, so they are rebuilt at each
// start and never saved. While the guest does not run.
#ifndef CRVM_VMM_BOOT_DESCRIPTOR_TABLES_H_
#define CRVM_VMM_BOOT_DESCRIPTOR_TABLES_H_

#include <linux/kvm.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "guestkernel/abi/layout.h"
#include "vmm/boot/kernel_image.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

// One row of entry.S's crvm_vcpu_entries: guest-virtual addresses.
struct VcpuEntries {
  uint64_t syscall_supervisor;
  uint64_t syscall_deprivileged;
  uint64_t restart_begin;
  uint64_t restart_end;
  uint64_t exception_stack_top;
};
static_assert(sizeof(VcpuEntries) == 40);

// Reads row `vcpu` from guest memory (restored memory may be hostile: an
// address outside the image area is an error).
absl::StatusOr<VcpuEntries> ReadVcpuEntries(const GuestMemory& memory,
                                            const KernelSymbols& symbols,
                                            unsigned vcpu);

absl::Status BuildDescriptorTables(GuestMemory& memory,
                                   const KernelSymbols& symbols,
                                   abi::PrivilegeMode mode, unsigned vcpu);

// Segment, table and control registers for kernel code (`user` false) or user
// code in `mode`; CR3, FS and GS bases are left to the caller.
void FillSystemRegisters(abi::PrivilegeMode mode, bool user, unsigned vcpu,
                         kvm_sregs* sregs);

}  // namespace crvm
#endif  // CRVM_VMM_BOOT_DESCRIPTOR_TABLES_H_
