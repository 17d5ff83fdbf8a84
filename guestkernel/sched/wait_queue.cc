// SPDX-License-Identifier: Apache-2.0
//
// Waiting and waking. Any thread, in the kernel; wakes also from timers and
// device events.
#include "guestkernel/sched/wait_queue.h"

#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/thread.h"

namespace gk {
namespace {

// The timeout of one Block() call. Its place in the timer heap was reserved
// when the thread was made.
class WaitTimer : public Timer {
 public:
  explicit WaitTimer(Thread* thread) : Timer(&OnDue), thread_(thread) {}
  void Start(Deadline deadline) { ArmReserved(deadline.ns, deadline.base); }
  bool expired() const { return expired_; }

 private:
  static void OnDue(Timer* timer) {
    auto* self = static_cast<WaitTimer*>(timer);
    self->expired_ = true;
    if (self->thread_->state == ThreadState::kBlocked) {
      MakeRunnable(self->thread_);
    }
  }

  Thread* thread_;
  bool expired_ = false;
};

bool MustEndWait(Thread* thread) {
  return (thread->interruptible && HasDeliverableSignal(thread)) ||
         (thread->killable && IsBeingKilled(thread));
}

}  // namespace

void WaitQueue::Add(Waiter* waiter) {
  if (waiter->exclusive) {
    waiters_.PushBack(waiter);
  } else {
    waiters_.PushFront(waiter);
  }
}

unsigned WaitQueue::Wake(uint32_t events, unsigned exclusive_limit) {
  unsigned woken = 0;
  for (Waiter& waiter : waiters_) {
    if (!(waiter.mask & events)) continue;
    if (waiter.exclusive) {
      if (exclusive_limit == 0) break;
      --exclusive_limit;
    }
    ++woken;
    waiter.on_wake(&waiter, events);
  }
  return woken;
}

void PrepareToBlock() { CurrentThread()->woken = false; }

int Block(Deadline deadline, Interruptible interruptible) {
  Thread* thread = CurrentThread();
  thread->interruptible = interruptible == Interruptible::kYes;
  thread->killable = interruptible != Interruptible::kNo;
  WaitTimer timer(thread);
  int result = 0;
  while (!thread->woken) {
    if (MustEndWait(thread)) {
      result = -kErestartSys;
      break;
    }
    if (timer.expired()) {
      result = -ETIMEDOUT;
      break;
    }
    if (!deadline.is_never() && !timer.armed()) {
      if (ClockNow(deadline.base) >= deadline.ns) {
        result = -ETIMEDOUT;
        break;
      }
      timer.Start(deadline);
    }
    thread->state = ThreadState::kBlocked;
    Schedule();
  }
  thread->woken = false;
  thread->interruptible = thread->killable = false;
  thread->wait_reason = nullptr;
  return result;
}

void WakeThread(Thread* thread) {
  thread->woken = true;
  if (thread->state == ThreadState::kBlocked && thread->started) {
    MakeRunnable(thread);
  }
}

void WakeThreadOnWake(Waiter* waiter, uint32_t events) {
  (void)events;
  if (waiter->exclusive) waiter->link.Unlink();
  WakeThread(waiter->thread);
}

}  // namespace gk
