// SPDX-License-Identifier: Apache-2.0
//
// Timers on processor time. Any thread, in the kernel; RunCpuTimers on the way
// to user mode.
#include "guestkernel/sched/cpu_timer.h"

#include "guestkernel/lib/static_storage.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/process.h"

namespace gk {

class CpuTimerList {
 public:
  CpuTimerList() : look_again_([](Timer*) {}) {}
  bool empty() const { return armed_.empty(); }
  void Add(CpuTimer* timer) { armed_.PushBack(timer); }
  void Run(Thread* current);

 private:
  IntrusiveList<CpuTimer, &CpuTimer::link_> armed_;
  // Its event brings the vCPU into the kernel, and so to RunCpuTimers.
  Timer look_again_;
};

namespace {
StaticStorage<CpuTimerList> cpu_timers;
}  // namespace

void CpuTimer::Arm(uint64_t cpu_ns) {
  Disarm();
  deadline_ = cpu_ns;
  cpu_timers->Add(this);
}

uint64_t CpuTimer::Now() const {
  CpuTime time = thread_ ? ThreadCpuTime(thread_) : ProcessCpuTime(process_);
  return kind_ == CpuClockKind::kUser ? time.user_ns : time.total_ns();
}

void CpuTimerList::Run(Thread* current) {
  uint64_t nearest = ~uint64_t{0};
  for (CpuTimer& timer : armed_) {
    if (timer.process_ != current->process) continue;
    if (timer.thread_ && timer.thread_ != current) continue;
    uint64_t now = timer.Now();
    if (now >= timer.deadline_) {
      timer.Disarm();
      timer.callback_(&timer);
      now = timer.Now();
    }
    if (timer.armed() && timer.deadline_ - now < nearest) {
      nearest = timer.deadline_ - now;
    }
  }
  uint64_t now = MonotonicNs();
  if (nearest > ~now) return;
  // Soon enough already? Moving it at every entry would cost an exit each.
  if (look_again_.armed() && look_again_.deadline() <= now + nearest) return;
  (void)look_again_.Arm(now + nearest);  // else at the next entry by itself
}

void CpuTimersInit() { cpu_timers.Construct(); }
bool CpuTimersArmed() { return !cpu_timers->empty(); }
void RunCpuTimers() { cpu_timers->Run(CurrentThread()); }

}  // namespace gk
