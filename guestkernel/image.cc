// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/image.h"

namespace crvm {
namespace {

alignas(16) constexpr uint8_t kImage[] = {
#include "guestkernel/image_data.inc"
};

}  // namespace

absl::Span<const uint8_t> GuestKernelImage() { return kImage; }

}  // namespace crvm
