// SPDX-License-Identifier: Apache-2.0
//
// Kernel stacks from the frame allocator, with a few kept for the next thread.
// Any thread, in the kernel.
#include "guestkernel/sched/kernel_stack.h"

#include "guestkernel/arch/arch.h"
#include "guestkernel/mm/frame.h"

namespace gk {
namespace {

constexpr unsigned kStackOrder = 3;
static_assert(kKernelStackSize == 4096u << kStackOrder);

// Shells make and end threads one after the other: the same stack serves.
constexpr int kCachedStacks = 4;
void* cached_stacks[kCachedStacks];
int cached_count = 0;

}  // namespace

void* AllocateKernelStack() {
  if (cached_count > 0) return cached_stacks[--cached_count];
  FrameNumber first = AllocateFrames(kStackOrder, FrameZeroing::kUndefined);
  return first.is_null() ? nullptr : FrameData(first);
}

void FreeKernelStack(void* stack) {
  if (cached_count < kCachedStacks) {
    cached_stacks[cached_count++] = stack;
    return;
  }
  FreeFrames(FrameNumber(VirtualToPhysical(stack) >> 12), kStackOrder);
}

}  // namespace gk
