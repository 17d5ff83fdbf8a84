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
uint64_t RealtimeNs();
uint64_t BoottimeNs();
inline TimeSpec ToTimeSpec(uint64_t ns) {
  return TimeSpec{static_cast<int64_t>(ns / 1000000000),
                  static_cast<int64_t>(ns % 1000000000)};
}
// Saturates; -EINVAL for negative seconds or nanoseconds outside [0, 1e9).
int ToNanoseconds(const TimeSpec& time, uint64_t* ns);
// The CLOCK_REALTIME offset (realtime - monotonic) changed: at resume or by
// clock_settime. Realtime timers are looked at anew.
void OnClockChanged();

// A callback at a CLOCK_MONOTONIC deadline, run from event handling in kernel
// context; must not block. Not armed: in no queue. Destroying an armed timer
// disarms it.
class Timer {
 public:
  using Callback = void (*)(Timer* timer);
  explicit Timer(Callback callback) : callback_(callback) {}
  ~Timer() { Disarm(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  // Rearms when armed. 0 or -ENOMEM (heap slot).
  [[nodiscard]] int Arm(uint64_t deadline_ns);
  void Disarm();
  bool armed() const { return heap_index_ != kNotArmed; }
  uint64_t deadline() const { return deadline_; }

 private:
  friend class TimerQueue;
  static constexpr size_t kNotArmed = ~size_t{0};
  Callback callback_;
  uint64_t deadline_ = 0;
  size_t heap_index_ = kNotArmed;
};

// Runs all timers that are due and arms the VMM's timer for the next. Called on
// kEventTimer and before idling.
void RunTimers();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_CLOCK_H_
