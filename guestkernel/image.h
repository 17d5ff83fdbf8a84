// SPDX-License-Identifier: Apache-2.0
//
// The guest kernel's ELF file, embedded in the VMM. Not part of the kernel.
#ifndef CRVM_GUESTKERNEL_IMAGE_H_
#define CRVM_GUESTKERNEL_IMAGE_H_

#include <cstdint>

#include "absl/types/span.h"

namespace crvm {

absl::Span<const uint8_t> GuestKernelImage();

}  // namespace crvm
#endif  // CRVM_GUESTKERNEL_IMAGE_H_
