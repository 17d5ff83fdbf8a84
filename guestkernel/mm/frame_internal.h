// SPDX-License-Identifier: Apache-2.0
//
// For mm only: the one frame allocator.
#ifndef CRVM_GUESTKERNEL_MM_FRAME_INTERNAL_H_
#define CRVM_GUESTKERNEL_MM_FRAME_INTERNAL_H_

#include "guestkernel/mm/frame_allocator.h"

namespace gk {

FrameAllocator& Frames();
// Asks the shrinkers; true when frames were freed.
bool ShrinkCaches(size_t frames_wanted);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_FRAME_INTERNAL_H_
