// SPDX-License-Identifier: Apache-2.0
//
// POSIX timers of a process (timer_create(2)). A timer has one preallocated
// queue entry for its signal; while that is pending, the timer does not run,
// and the expirations missed are counted when the signal is taken. Deleted at
// exec and exit.
#ifndef CRVM_GUESTKERNEL_SCHED_POSIX_TIMER_H_
#define CRVM_GUESTKERNEL_SCHED_POSIX_TIMER_H_

#include <cstdint>

#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/vector.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/clock_id.h"
#include "guestkernel/sched/cpu_timer.h"
#include "guestkernel/sched/signal.h"

namespace gk {

class Process;
class Thread;

// struct itimerspec of the ABI.
struct TimerSpec {
  TimeSpec interval;
  TimeSpec value;
};
static_assert(sizeof(TimerSpec) == 32);

class PosixTimer {
 public:
  struct Options {
    ClockId clock;
    bool signals = true;  // false: SIGEV_NONE
    int target_tid = 0;   // SIGEV_THREAD_ID; 0: the process
    int signo = 0;
    uint64_t value = 0;  // sigev_value
  };
  PosixTimer(int id, Process* process, Options options);
  ~PosixTimer();

  int id() const { return id_; }
  // `deadline` is on the timer's clock; 0 disarms. 0 or -ENOMEM.
  int Set(uint64_t deadline, uint64_t interval);
  uint64_t Now() const;
  // Until the next expiration; 0 when not armed.
  uint64_t Remaining() const;
  uint64_t interval() const { return interval_ns_; }
  int last_overrun() const { return last_overrun_; }

  // PendingSignals: this timer's entry has left the queue, to be delivered
  // (`info` not null: takes the overrun count) or thrown away.
  void OnSignalRemoved(SigInfo* info);

 private:
  class ClockTimer : public Timer {
   public:
    explicit ClockTimer(PosixTimer* o);
    PosixTimer* owner;
  };
  class ProcessorTimer : public CpuTimer {
   public:
    explicit ProcessorTimer(PosixTimer* o);
    PosixTimer* owner;
  };

  [[nodiscard]] int Start();
  void Stop();
  void OnExpired();
  // Moves the deadline to the first after `now`; how many it skipped.
  uint64_t Forward(uint64_t now);

  int id_;
  Process* process_;
  Options options_;
  ClockTimer clock_timer_;
  ProcessorTimer cpu_timer_;
  QueuedSignal entry_;
  uint64_t deadline_ns_ = 0;  // 0: not set
  uint64_t interval_ns_ = 0;
  int last_overrun_ = 0;
};

class PosixTimerTable {
 public:
  // The id, or -ENOMEM, -EAGAIN. With `value_is_id`, that is its sigev_value.
  int Add(Process* process, PosixTimer::Options options,
          bool value_is_id = false);
  PosixTimer* Find(int id);
  void Remove(int id);

 private:
  Vector<UniquePtr<PosixTimer>> timers_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_POSIX_TIMER_H_
