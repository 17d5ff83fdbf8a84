// SPDX-License-Identifier: Apache-2.0
//
// The guest kernel that is embedded in crvm: an ELF file of our own build,
// trusted. Any thread.
#ifndef CRVM_VMM_BOOT_KERNEL_IMAGE_H_
#define CRVM_VMM_BOOT_KERNEL_IMAGE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

// Addresses (guest-virtual) that the VMM needs of a kernel. Saved in snapshots,
// since a snapshot's kernel may be another than the embedded one.
struct KernelSymbols {
  uint64_t entry = 0;
  uint64_t text_begin = 0;
  uint64_t text_end = 0;
  uint64_t image_end = 0;
  uint64_t vcpu_entries = 0;  // table crvm_vcpu_entries of entry.S
  uint64_t gates = 0;         // table crvm_gates
};

// Copies the embedded kernel into guest memory at abi::kKernelGpa.
absl::StatusOr<KernelSymbols> LoadEmbeddedKernel(GuestMemory& memory);

}  // namespace crvm
#endif  // CRVM_VMM_BOOT_KERNEL_IMAGE_H_
