// SPDX-License-Identifier: Apache-2.0
//
// The kernel half of the guest's page tables (abi/layout.h): built once at
// boot, never changed by the kernel; and who may enter it, which belongs to the
// run and is set in every address-space root at each start.
// Formats: SDM vol. 3, section 4.5. While the guest does not run.
#ifndef CRVM_VMM_BOOT_PAGE_TABLES_H_
#define CRVM_VMM_BOOT_PAGE_TABLES_H_

#include "absl/status/status.h"
#include "guestkernel/abi/layout.h"
#include "vmm/boot/kernel_image.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

// At abi::kBootPageTablesGpa; the first page is the root.
absl::Status BuildKernelPageTables(GuestMemory& memory,
                                   const KernelSymbols& symbols);

// Sets the U bit of the kernel half's top-level entries in the boot root and in
// all roots that the kernel has linked. The list is the guest's: a bad one is
// an error.
absl::Status SetKernelHalfAccess(GuestMemory& memory, abi::PrivilegeMode mode);

}  // namespace crvm
#endif  // CRVM_VMM_BOOT_PAGE_TABLES_H_
