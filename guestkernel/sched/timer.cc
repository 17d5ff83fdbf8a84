// SPDX-License-Identifier: Apache-2.0
//
// Kernel timers: a binary heap by due time, and the one deadline that the VMM
// is asked to wake us at. Any thread, in the kernel.
#include <utility>

#include "guestkernel/arch/arch.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/lib/static_storage.h"
#include "guestkernel/lib/vector.h"
#include "guestkernel/sched/clock.h"

namespace gk {

class TimerQueue {
 public:
  int Reserve(int change);
  int Arm(Timer* timer, uint64_t deadline_ns, ClockBase base, bool reserved);
  void Disarm(Timer* timer);
  void RunDue();
  void ArmVmm();
  void OnClockChanged();

  // The VMM's timer has fired, or what it was told is lost.
  void ForgetVmmDeadline() { vmm_deadline_ns_ = kNever; }

 private:
  static constexpr uint64_t kNever = ~uint64_t{0};

  static uint64_t DueTime(const Timer& timer);
  bool Earlier(size_t a, size_t b) const {
    return heap_[a]->due_ns_ < heap_[b]->due_ns_;
  }
  void Swap(size_t a, size_t b);
  void SiftUp(size_t index);
  void SiftDown(size_t index);

  Vector<Timer*> heap_;
  size_t reserved_ = 0;        // places promised by Reserve
  size_t reserved_armed_ = 0;  // of those, in use
  uint64_t vmm_deadline_ns_ = kNever;
};

int TimerQueue::Reserve(int change) {
  if (change > 0) {
    GK_RETURN_IF_ERROR(
        heap_.Reserve(heap_.size() - reserved_armed_ + reserved_ + change));
  }
  reserved_ += change;
  return 0;
}

// When the deadline comes, on the monotonic clock. Saturates.
uint64_t TimerQueue::DueTime(const Timer& timer) {
  if (timer.base_ == ClockBase::kMonotonic || timer.deadline_ == kNever) {
    return timer.deadline_;
  }
  uint64_t now = ClockNow(timer.base_);
  if (timer.deadline_ <= now) return 0;
  uint64_t due;
  if (__builtin_add_overflow(MonotonicNs(), timer.deadline_ - now, &due)) {
    return kNever;
  }
  return due;
}

void TimerQueue::Swap(size_t a, size_t b) {
  std::swap(heap_[a], heap_[b]);
  heap_[a]->heap_index_ = a;
  heap_[b]->heap_index_ = b;
}

void TimerQueue::SiftUp(size_t index) {
  while (index > 0) {
    size_t parent = (index - 1) / 2;
    if (!Earlier(index, parent)) return;
    Swap(index, parent);
    index = parent;
  }
}

void TimerQueue::SiftDown(size_t index) {
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= heap_.size()) return;
    if (child + 1 < heap_.size() && Earlier(child + 1, child)) ++child;
    if (!Earlier(child, index)) return;
    Swap(index, child);
    index = child;
  }
}

int TimerQueue::Arm(Timer* timer, uint64_t deadline_ns, ClockBase base,
                    bool reserved) {
  Disarm(timer);
  if (!reserved) {
    GK_RETURN_IF_ERROR(
        heap_.Reserve(heap_.size() + 1 - reserved_armed_ + reserved_));
  }
  timer->deadline_ = deadline_ns;
  timer->base_ = base;
  timer->reserved_ = reserved;
  timer->due_ns_ = DueTime(*timer);
  GK_RETURN_IF_ERROR(heap_.PushBack(timer));
  timer->heap_index_ = heap_.size() - 1;
  if (reserved) ++reserved_armed_;
  SiftUp(timer->heap_index_);
  return 0;
}

void TimerQueue::Disarm(Timer* timer) {
  if (!timer->armed()) return;
  size_t index = timer->heap_index_;
  GK_ASSERT(heap_[index] == timer);
  size_t last = heap_.size() - 1;
  if (index != last) Swap(index, last);
  heap_.PopBack();
  timer->heap_index_ = Timer::kNotArmed;
  if (timer->reserved_) --reserved_armed_;
  if (index != last) {
    SiftUp(index);
    SiftDown(index);
  }
}

void TimerQueue::RunDue() {
  if (heap_.empty()) return;
  // One reading of the clock: a callback that rearms its timer for a later
  // time than this ends the loop, however long it takes.
  uint64_t now = MonotonicNs();
  while (!heap_.empty() && heap_[0]->due_ns_ <= now) {
    Timer* timer = heap_[0];
    Disarm(timer);
    timer->callback_(timer);
  }
}

void TimerQueue::ArmVmm() {
  if (heap_.empty() || heap_[0]->due_ns_ >= vmm_deadline_ns_) return;
  vmm_deadline_ns_ = heap_[0]->due_ns_;
  RingDoorbell(crvm::abi::Doorbell::kArmTimer, vmm_deadline_ns_);
}

void TimerQueue::OnClockChanged() {
  for (Timer* timer : heap_) timer->due_ns_ = DueTime(*timer);
  for (size_t i = heap_.size() / 2; i-- > 0;) SiftDown(i);
  ForgetVmmDeadline();
}

namespace {
StaticStorage<TimerQueue> timer_queue;
}  // namespace

void TimersInit() { timer_queue.Construct(); }

int ReserveTimers(int change) { return timer_queue->Reserve(change); }

int Timer::Arm(uint64_t deadline_ns, ClockBase base) {
  return timer_queue->Arm(this, deadline_ns, base, false);
}

void Timer::ArmReserved(uint64_t deadline_ns, ClockBase base) {
  int error = timer_queue->Arm(this, deadline_ns, base, true);
  GK_ASSERT(error == 0);
}

void Timer::Disarm() {
  if (armed()) timer_queue->Disarm(this);
}

void RunTimers() { timer_queue->RunDue(); }
void ArmVmmTimer() { timer_queue->ArmVmm(); }
void OnVmmTimerFired() {
  timer_queue->ForgetVmmDeadline();
  timer_queue->RunDue();
}
void OnClockChanged() { timer_queue->OnClockChanged(); }

}  // namespace gk
