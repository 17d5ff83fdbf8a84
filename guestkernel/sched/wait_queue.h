// SPDX-License-Identifier: Apache-2.0
//
// The one mechanism for waiting and waking. Whatever can be waited for has a
// WaitQueue; whoever waits has Waiters in one or several of them. Timeouts and
// signals end a wait through the same door. All of it under the big kernel
// lock; blocking switches threads, so nothing that the caller checked before is
// still true after.
#ifndef CRVM_GUESTKERNEL_SCHED_WAIT_QUEUE_H_
#define CRVM_GUESTKERNEL_SCHED_WAIT_QUEUE_H_

#include <cstdint>

#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/sched/clock.h"

namespace gk {

class Thread;
class WaitQueue;
Thread* CurrentThread();  // arch/arch.h

// Until when to wait: nanoseconds on a clock. A deadline that has passed when
// the wait begins is -ETIMEDOUT, unless a wake came first.
struct Deadline {
  uint64_t ns;
  ClockBase base = ClockBase::kMonotonic;
  static constexpr Deadline Never() { return Deadline{~uint64_t{0}}; }
  // Never, when that is further away than can be counted.
  static Deadline After(uint64_t ns) {
    uint64_t now = MonotonicNs();
    return Deadline{ns > ~now ? ~uint64_t{0} : now + ns};
  }
  constexpr bool is_never() const { return ns == ~uint64_t{0}; }
};

// One entry in one queue. `on_wake` runs in the waker's context, must not
// block; it may unlink this waiter only.
struct Waiter {
  ListLink link;
  void (*on_wake)(Waiter* waiter, uint32_t events) = nullptr;
  Thread* thread = nullptr;
  uint32_t mask = ~0u;  // interested in these EPOLL* events (Wake(events) with
                        // events & mask)
  bool exclusive = false;  // WakeOne/Wake with a limit counts these
  ~Waiter() = default;     // the link unlinks itself
};

class WaitQueue {
 public:
  void Add(Waiter* waiter);  // exclusive ones at the end
  static void Remove(Waiter* waiter) { waiter->link.Unlink(); }
  // Wakes all non-exclusive waiters and up to `exclusive_limit` exclusive ones
  // whose mask matches. Number woken.
  unsigned Wake(uint32_t events = ~0u, unsigned exclusive_limit = 1);
  unsigned WakeAll(uint32_t events = ~0u) { return Wake(events, ~0u); }
  bool empty() const { return waiters_.empty(); }

 private:
  IntrusiveList<Waiter, &Waiter::link> waiters_;
};

enum class Interruptible { kYes, kNo, kKillableOnly };

// Blocks the current thread until woken by WakeThread (usually through a Waiter
// whose on_wake is WakeThreadOnWake), the deadline, or a signal. 0 woken,
// -ETIMEDOUT, -kErestartSys (signal pending, or the thread is to exit: kYes and
// kKillableOnly). The caller must have queued its Waiters before and re-checks
// its condition after. Wakes between queueing and blocking are not lost (the
// thread is marked woken).
int Block(Deadline deadline, Interruptible interruptible = Interruptible::kYes);
// Forgets wakes that came earlier; call before queueing Waiters and checking
// the condition.
void PrepareToBlock();
void WakeThread(Thread* thread);
// The usual on_wake. An exclusive waiter leaves its queue, so that the next
// wake goes to the next one; queue it again before blocking again.
void WakeThreadOnWake(Waiter* waiter, uint32_t events);

// Waits until ready() is true. 0, -ETIMEDOUT, -kErestartSys. ready() may have
// side effects (it takes what it waits for).
template <typename Ready>
int WaitUntil(WaitQueue& queue, Ready ready,
              Deadline deadline = Deadline::Never(),
              Interruptible interruptible = Interruptible::kYes,
              bool exclusive = false) {
  if (ready()) return 0;
  Waiter waiter;
  waiter.on_wake = &WakeThreadOnWake;
  waiter.thread = CurrentThread();
  waiter.exclusive = exclusive;
  for (;;) {
    PrepareToBlock();
    if (!waiter.link.linked()) queue.Add(&waiter);
    if (ready()) return 0;
    if (int error = Block(deadline, interruptible)) return ready() ? 0 : error;
  }
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_WAIT_QUEUE_H_
