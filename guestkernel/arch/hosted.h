// SPDX-License-Identifier: Apache-2.0
//
// What hosted tests can do to the fake machine of arch/hosted.cc. Kernel
// threads really run, on stacks of their own; the clock stands still except
// where a test moves it or all threads wait (then it jumps to the next armed
// timer, so timeouts cost no time).
#ifndef CRVM_GUESTKERNEL_ARCH_HOSTED_H_
#define CRVM_GUESTKERNEL_ARCH_HOSTED_H_

#include <cstdint>
#include <vector>

#include "guestkernel/arch/arch.h"

namespace gk::hosted {

// Makes the machine as at boot: clock at 1 s, no events, no doorbells rung.
void Reset();

// The Thread that the test's own stack stands for. Give it a `stack` from
// AllocateKernelStack if it may block.
void SetMainThread(Thread* thread);

void AdvanceClock(uint64_t ns);
// CLOCK_REALTIME - CLOCK_MONOTONIC.
void SetRealtimeOffset(uint64_t ns);
// Sets bits in VcpuPage::pending.
void RaiseEvents(uint32_t events);

struct DoorbellRing {
  crvm::abi::Doorbell which;
  uint64_t value;
};
// Rung since Reset, except kIdle.
const std::vector<DoorbellRing>& Doorbells();
// The boot info that the kernel sees.
crvm::abi::BootInfo& MutableBootInfo();
// What BootRootGpa gives, and how often FlushTlb was called (mm/testing).
void SetBootRoot(uint64_t gpa);
uint64_t TlbFlushes();
// Makes HeapAllocate fail after `count` more allocations; -1: never.
void FailAllocationsAfter(int64_t count);

}  // namespace gk::hosted
#endif  // CRVM_GUESTKERNEL_ARCH_HOSTED_H_
