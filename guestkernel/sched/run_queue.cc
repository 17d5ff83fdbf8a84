// SPDX-License-Identifier: Apache-2.0
//
// See run_queue.h. Any thread, in the kernel.
#include "guestkernel/sched/run_queue.h"

namespace gk {
namespace {

// A sleeper comes back this much ahead of the others...
constexpr uint64_t kSleeperBonusNs = 5'000'000;
// ...and interrupts whoever has more than this on it: threads that hand work to
// each other all the time stay within it, and switch when they wait.
constexpr uint64_t kPreemptionNs = 1'000'000;

void RaiseTo(Thread* thread, uint64_t ns) {
  if (thread->virtual_ns < ns) thread->virtual_ns = ns;
}

}  // namespace

uint64_t VirtualTime(uint64_t ns, int nice) {
  for (; nice > 0; --nice) ns += ns / 4;
  for (; nice < 0; ++nice) ns -= ns / 5;
  return ns;
}

void RunQueue::Add(Thread* thread) {
  // Mostly it belongs to one of the ends.
  Thread* last = threads_.back();
  if (!last || last->virtual_ns <= thread->virtual_ns) {
    threads_.PushBack(thread);
    return;
  }
  Thread* position = threads_.front();
  while (position->virtual_ns <= thread->virtual_ns) {
    position = threads_.Next(position);
  }
  threads_.InsertBefore(position, thread);
}

void RunQueue::AddWoken(Thread* thread) {
  RaiseTo(thread,
          floor_ns_ > kSleeperBonusNs ? floor_ns_ - kSleeperBonusNs : 0);
  Add(thread);
}

void RunQueue::AddNew(Thread* thread, const Thread* creator) {
  RaiseTo(thread, floor_ns_);
  if (creator) RaiseTo(thread, creator->virtual_ns);
  Add(thread);
}

void RunQueue::AddLast(Thread* thread) {
  if (Thread* last = threads_.back()) RaiseTo(thread, last->virtual_ns);
  threads_.PushBack(thread);
}

Thread* RunQueue::TakeFirst() {
  Thread* first = threads_.PopFront();
  if (first && first->virtual_ns > floor_ns_) floor_ns_ = first->virtual_ns;
  return first;
}

bool RunQueue::FirstPrecedes(const Thread& running) const {
  Thread* first = threads_.front();
  return first && first->virtual_ns <= running.virtual_ns;
}

bool RunQueue::Preempts(const Thread& woken, const Thread& running) {
  return woken.virtual_ns + kPreemptionNs < running.virtual_ns;
}

}  // namespace gk
