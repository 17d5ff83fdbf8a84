// SPDX-License-Identifier: Apache-2.0
//
// Where kernel stacks come from: runs of frames in the kernel, guarded mappings
// in hosted tests (arch/hosted.cc).
#ifndef CRVM_GUESTKERNEL_SCHED_KERNEL_STACK_H_
#define CRVM_GUESTKERNEL_SCHED_KERNEL_STACK_H_

#include <cstdint>

namespace gk {

// kKernelStackSize bytes aligned to their size; null when out of memory.
void* AllocateKernelStack();
void FreeKernelStack(void* stack);

// The second word of each stack (the first is the Thread*): overwritten when
// the stack has overflowed.
inline constexpr uint64_t kStackCanary = 0x6b636174734d5652;  // "RVMstack"
inline void SetStackCanary(void* stack) {
  static_cast<uint64_t*>(stack)[1] = kStackCanary;
}
inline bool StackIsIntact(const void* stack) {
  return static_cast<const uint64_t*>(stack)[1] == kStackCanary;
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_KERNEL_STACK_H_
