// SPDX-License-Identifier: Apache-2.0
//
// nanosleep(2) and clock_nanosleep(2). The current thread's own business.
#include "guestkernel/sched/clock_id.h"
#include "guestkernel/sched/syscalls.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {
namespace {

constexpr int kTimerAbstime = 1;
constexpr int kClockThreadCputime = 3;

// -ETIMEDOUT when slept out, -kErestartSys.
int SleepUntil(Deadline deadline) {
  CurrentThread()->wait_reason = "nanosleep";
  for (;;) {
    PrepareToBlock();
    if (int error = Block(deadline)) return error;
  }
}

int WriteRemaining(UserAddress to, uint64_t deadline, uint64_t now) {
  if (to.is_null()) return 0;
  return WriteUser(to, ToTimeSpec(deadline > now ? deadline - now : 0));
}

int64_t SleepRelative(Deadline deadline, UserAddress remaining);

// args: base, where the remaining time goes.
int64_t RestartSleep(RestartBlock& block) {
  return SleepRelative(
      Deadline{block.deadline_ns, static_cast<ClockBase>(block.args[0])},
      UserAddress(block.args[1]));
}

int64_t SleepRelative(Deadline deadline, UserAddress remaining) {
  int error = SleepUntil(deadline);
  if (error == -ETIMEDOUT) return 0;
  GK_RETURN_IF_ERROR(
      WriteRemaining(remaining, deadline.ns, ClockNow(deadline.base)));
  RestartBlock& block = CurrentThread()->restart_block;
  block.restart = &RestartSleep;
  block.deadline_ns = deadline.ns;
  block.args[0] = static_cast<uint64_t>(deadline.base);
  block.args[1] = remaining.value;
  return -kErestartRestartBlock;
}

// Sleeps on processor time that other threads use up.
class CpuSleep : public CpuTimer {
 public:
  explicit CpuSleep(const ClockId& clock)
      : CpuTimer(&OnDue, clock.process.get(), clock.cpu_kind,
                 clock.thread.get()),
        sleeper_(CurrentThread()) {}
  bool due() const { return due_; }

 private:
  static void OnDue(CpuTimer* timer) {
    auto* self = static_cast<CpuSleep*>(timer);
    self->due_ = true;
    WakeThread(self->sleeper_);
  }
  Thread* sleeper_;
  bool due_ = false;
};

// -kErestartSys when a signal ends the sleep.
int SleepUntilCpuTime(const ClockId& clock, uint64_t deadline) {
  if (deadline <= clock.Now()) return 0;
  CpuSleep timer(clock);
  timer.Arm(deadline);
  CurrentThread()->wait_reason = "nanosleep";
  while (!timer.due()) {
    PrepareToBlock();
    int error = Block(Deadline::Never());
    if (error != 0 && !timer.due()) return error;
  }
  return 0;
}

int64_t SleepOnCpuClock(int id, uint64_t deadline, UserAddress remaining);

// args: the clock's id, where the remaining time goes.
int64_t RestartCpuSleep(RestartBlock& block) {
  return SleepOnCpuClock(static_cast<int>(block.args[0]), block.deadline_ns,
                         UserAddress(block.args[1]));
}

int64_t SleepOnCpuClock(int id, uint64_t deadline, UserAddress remaining) {
  GK_ASSIGN_OR_RETURN(ClockId clock, ParseClockId(id));
  if (SleepUntilCpuTime(clock, deadline) == 0) return 0;
  GK_RETURN_IF_ERROR(WriteRemaining(remaining, deadline, clock.Now()));
  RestartBlock& block = CurrentThread()->restart_block;
  block.restart = &RestartCpuSleep;
  block.deadline_ns = deadline;
  block.args[0] = static_cast<uint64_t>(id);
  block.args[1] = remaining.value;
  return -kErestartRestartBlock;
}

}  // namespace

// nanosleep(duration, remaining)
int64_t SysNanosleep(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(TimeSpec duration, ReadUser<TimeSpec>(args.User(0)));
  uint64_t ns;
  GK_RETURN_IF_ERROR(ToNanoseconds(duration, &ns));
  return SleepRelative(Deadline::After(ns), args.User(1));
}

// clock_nanosleep(id, flags, time, remaining)
int64_t SysClockNanosleep(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(ClockId clock, ParseClockId(args.Int(0)));
  if (!clock.has_timers) return -EOPNOTSUPP;
  if (args.Int(0) == kClockThreadCputime) return -EINVAL;
  GK_ASSIGN_OR_RETURN(TimeSpec time, ReadUser<TimeSpec>(args.User(2)));
  uint64_t ns;
  GK_RETURN_IF_ERROR(ToNanoseconds(time, &ns));
  bool absolute = (args.Int(1) & kTimerAbstime) != 0;
  if (clock.kind != ClockId::Kind::kSystem) {
    // Its own time does not pass while a thread sleeps.
    if (clock.thread == CurrentThread()) return -EINVAL;
    if (absolute) {
      return SleepUntilCpuTime(clock, ns) == 0 ? 0 : -kErestartNoHand;
    }
    uint64_t now = clock.Now();
    uint64_t deadline = ns > ~now ? ~uint64_t{0} : now + ns;
    return SleepOnCpuClock(args.Int(0), deadline, args.User(3));
  }
  if (!absolute) {
    // Setting CLOCK_REALTIME does not change how long a relative sleep is.
    return SleepRelative(Deadline::After(ns), args.User(3));
  }
  int error = SleepUntil(Deadline{ns, clock.base});
  return error == -ETIMEDOUT ? 0 : -kErestartNoHand;
}

}  // namespace gk
