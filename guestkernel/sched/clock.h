// SPDX-License-Identifier: Apache-2.0
//
// Clocks (from rdtsc and the clock page) and kernel timers. The earliest
// deadline is armed in the VMM; kEventTimer comes back.
#ifndef CRVM_GUESTKERNEL_SCHED_CLOCK_H_
#define CRVM_GUESTKERNEL_SCHED_CLOCK_H_

#include <cstddef>
#include <cstdint>

namespace gk {

struct TimeSpec {  // struct timespec of the ABI
  int64_t seconds;
  int64_t nanoseconds;
};
static_assert(sizeof(TimeSpec) == 16);

uint64_t MonotonicNs();
// A difference of ReadTsc() values. Cheaper than two readings of a clock.
uint64_t TicksToNs(uint64_t ticks);
uint64_t RealtimeNs();
uint64_t BoottimeNs();
inline TimeSpec ToTimeSpec(uint64_t ns) {
  return TimeSpec{static_cast<int64_t>(ns / 1000000000),
                  static_cast<int64_t>(ns % 1000000000)};
}
// Saturates; -EINVAL for negative seconds or nanoseconds outside [0, 1e9).
int ToNanoseconds(const TimeSpec& time, uint64_t* ns);
// The clock page has changed, at resume: timers are looked at anew.
void OnClockChanged();

// Which clock a deadline is on. Deadlines on the others than the monotonic
// clock move when that clock is set (OnClockChanged).
enum class ClockBase : uint8_t { kMonotonic, kRealtime, kBoottime };
uint64_t ClockNow(ClockBase base);

// A callback at a deadline, run from event handling in kernel context (on
// whatever thread is current); must not block, may rearm (for later than now)
// or destroy its timer. Not armed: in no queue. Destroying an armed timer
// disarms it.
class Timer {
 public:
  using Callback = void (*)(Timer* timer);
  explicit Timer(Callback callback) : callback_(callback) {}
  ~Timer() { Disarm(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  // Rearms when armed. 0 or -ENOMEM (heap slot).
  [[nodiscard]] int Arm(uint64_t deadline_ns,
                        ClockBase base = ClockBase::kMonotonic);
  void Disarm();
  bool armed() const { return heap_index_ != kNotArmed; }
  uint64_t deadline() const { return deadline_; }  // on base()
  ClockBase base() const { return base_; }

 protected:
  // For a timer that has a place kept for it by ReserveTimers(1): cannot fail.
  void ArmReserved(uint64_t deadline_ns, ClockBase base);

 private:
  friend class TimerQueue;
  static constexpr size_t kNotArmed = ~size_t{0};
  Callback callback_;
  ClockBase base_ = ClockBase::kMonotonic;
  bool reserved_ = false;
  uint64_t deadline_ = 0;
  uint64_t due_ns_ = 0;  // deadline_ on the monotonic clock
  size_t heap_index_ = kNotArmed;
};

// Makes sure that `change` more timers can be armed by ArmReserved (each thread
// has one, for Block). 0 or -ENOMEM; giving back (negative) never fails.
int ReserveTimers(int change);

void TimersInit();
// Runs all timers that are due.
void RunTimers();
// kEventTimer: the VMM's one-shot timer has fired.
void OnVmmTimerFired();
// Tells the VMM the earliest deadline, if it knows none or a later one. Called
// before user mode and before idling, so that what was disarmed meanwhile costs
// nothing. (An earlier one that it knows is left: it fires early, once.)
void ArmVmmTimer();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_CLOCK_H_
