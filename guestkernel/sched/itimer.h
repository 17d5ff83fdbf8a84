// SPDX-License-Identifier: Apache-2.0
//
// The three interval timers of a process (setitimer(2)), and alarm(2).
#ifndef CRVM_GUESTKERNEL_SCHED_ITIMER_H_
#define CRVM_GUESTKERNEL_SCHED_ITIMER_H_

#include <cstdint>

#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/cpu_timer.h"

namespace gk {

class Process;

// Made by the first call that sets one; gone with the process (they are not
// inherited by fork, and kept by exec).
struct ItimerState {
  explicit ItimerState(Process* process);

  class Real : public Timer {
   public:
    explicit Real(Process* owner);
    Process* process;
    uint64_t interval_ns = 0;
  };
  class OnCpu : public CpuTimer {
   public:
    OnCpu(Process* owner, CpuClockKind kind, int signal);
    Process* process;
    int signo;
    uint64_t interval_ns = 0;
  };

  Real real;
  OnCpu virtual_timer;
  OnCpu profiling;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_ITIMER_H_
