// SPDX-License-Identifier: Apache-2.0
//
// Timers on processor time: ITIMER_VIRTUAL and ITIMER_PROF, POSIX timers on
// CPU clocks. Looked at on the way to user mode; while one of the current
// process is armed, the vCPU has a kernel timer for when it may be due.
#ifndef CRVM_GUESTKERNEL_SCHED_CPU_TIMER_H_
#define CRVM_GUESTKERNEL_SCHED_CPU_TIMER_H_

#include <cstdint>

#include "guestkernel/lib/intrusive_list.h"

namespace gk {

class Process;
class Thread;

enum class CpuClockKind : uint8_t { kUser, kUserAndSystem };

class CpuTimer {
 public:
  using Callback = void (*)(CpuTimer* timer);
  // Counts the time of `process`, or of `thread` alone when not null; both
  // outlive the timer or Disarm() it.
  CpuTimer(Callback callback, Process* process, CpuClockKind kind,
           Thread* thread = nullptr)
      : callback_(callback), process_(process), thread_(thread), kind_(kind) {}
  ~CpuTimer() = default;  // the link unlinks itself
  void Arm(uint64_t cpu_ns);
  void Disarm() { link_.Unlink(); }
  bool armed() const { return link_.linked(); }
  uint64_t deadline() const { return deadline_; }
  // The clock that this timer is on, now.
  uint64_t Now() const;

 private:
  friend class CpuTimerList;
  ListLink link_;
  Callback callback_;
  Process* process_;
  Thread* thread_;
  CpuClockKind kind_;
  uint64_t deadline_ = 0;
};

void CpuTimersInit();
bool CpuTimersArmed();
// Runs the current process's timers that are due; sees to it that this is
// called again when the next may be.
void RunCpuTimers();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_CPU_TIMER_H_
