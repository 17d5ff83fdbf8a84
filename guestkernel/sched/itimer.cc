// SPDX-License-Identifier: Apache-2.0
//
// setitimer(2), getitimer(2), alarm(2). Any thread; expirations come from event
// handling (real time) and from the way to user mode (processor time).
#include "guestkernel/sched/itimer.h"

#include <asm/signal.h>

#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/syscalls.h"
#include "guestkernel/sched/time_value.h"

namespace gk {
namespace {

constexpr int kItimerReal = 0, kItimerVirtual = 1, kItimerProf = 2;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

// The first deadline + n * interval after `now`.
uint64_t NextPeriod(uint64_t deadline, uint64_t interval, uint64_t now) {
  if (deadline > now) return deadline;
  return deadline + ((now - deadline) / interval + 1) * interval;
}

void OnReal(Timer* timer) {
  auto* self = static_cast<ItimerState::Real*>(timer);
  (void)SendSignalToProcess(self->process, SIGALRM, nullptr);
  if (self->interval_ns == 0) return;
  // The slot that this expiration freed is still there.
  (void)self->Arm(
      NextPeriod(self->deadline(), self->interval_ns, MonotonicNs()));
}

void OnCpuTimer(CpuTimer* timer) {
  auto* self = static_cast<ItimerState::OnCpu*>(timer);
  (void)SendSignalToProcess(self->process, self->signo, nullptr);
  if (self->interval_ns == 0) return;
  self->CpuTimer::Arm(
      NextPeriod(self->deadline(), self->interval_ns, self->Now()));
}

struct Setting {
  uint64_t value_ns = 0;  // from now; 0: off
  uint64_t interval_ns = 0;
};

template <typename AnyTimer>
Setting GetSetting(const AnyTimer& timer, uint64_t now) {
  if (!timer.armed()) return {};
  // Due, but not run yet: the least that does not say "off".
  uint64_t left = timer.deadline() > now ? timer.deadline() - now : 1000;
  return {left, timer.interval_ns};
}

int SetReal(ItimerState::Real& timer, const Setting& setting) {
  timer.Disarm();
  timer.interval_ns = setting.interval_ns;
  if (setting.value_ns == 0) return 0;
  return timer.Arm(Deadline::After(setting.value_ns).ns);
}

int SetOnCpu(ItimerState::OnCpu& timer, const Setting& setting) {
  timer.Disarm();
  timer.interval_ns = setting.interval_ns;
  if (setting.value_ns == 0) return 0;
  uint64_t now = timer.Now();
  timer.CpuTimer::Arm(setting.value_ns > ~now ? ~uint64_t{0}
                                              : now + setting.value_ns);
  return 0;
}

Setting Get(Process* process, int which) {
  if (!process->itimers) return {};
  ItimerState& state = *process->itimers;
  switch (which) {
    case kItimerReal:
      return GetSetting(state.real, MonotonicNs());
    case kItimerVirtual:
      return GetSetting(state.virtual_timer, state.virtual_timer.Now());
    default:
      return GetSetting(state.profiling, state.profiling.Now());
  }
}

int Set(Process* process, int which, const Setting& setting) {
  if (!process->itimers) {
    if (setting.value_ns == 0) return 0;
    process->itimers = MakeUnique<ItimerState>(process);
    if (!process->itimers) return -ENOMEM;
  }
  ItimerState& state = *process->itimers;
  switch (which) {
    case kItimerReal:
      return SetReal(state.real, setting);
    case kItimerVirtual:
      return SetOnCpu(state.virtual_timer, setting);
    default:
      return SetOnCpu(state.profiling, setting);
  }
}

int WriteSetting(UserAddress to, const Setting& setting) {
  return WriteUser(to, IntervalValue{ToTimeValue(setting.interval_ns),
                                     ToTimeValue(setting.value_ns)});
}

bool IsValid(int which) { return which >= kItimerReal && which <= kItimerProf; }

}  // namespace

ItimerState::Real::Real(Process* owner) : Timer(&OnReal), process(owner) {}

ItimerState::OnCpu::OnCpu(Process* owner, CpuClockKind kind, int signal)
    : CpuTimer(&OnCpuTimer, owner, kind), process(owner), signo(signal) {}

ItimerState::ItimerState(Process* process)
    : real(process),
      virtual_timer(process, CpuClockKind::kUser, SIGVTALRM),
      profiling(process, CpuClockKind::kUserAndSystem, SIGPROF) {}

// getitimer(which, value)
int64_t SysGetitimer(const SyscallArgs& args) {
  if (!IsValid(args.Int(0))) return -EINVAL;
  return WriteSetting(args.User(1), Get(CurrentProcess(), args.Int(0)));
}

// setitimer(which, new, old)
int64_t SysSetitimer(const SyscallArgs& args) {
  int which = args.Int(0);
  if (!IsValid(which)) return -EINVAL;
  Process* process = CurrentProcess();
  Setting setting;
  if (!args.User(1).is_null()) {  // null: as if all zero, as Linux has it
    GK_ASSIGN_OR_RETURN(IntervalValue value,
                        ReadUser<IntervalValue>(args.User(1)));
    GK_RETURN_IF_ERROR(ToNanoseconds(value.value, &setting.value_ns));
    GK_RETURN_IF_ERROR(ToNanoseconds(value.interval, &setting.interval_ns));
  }
  Setting old = Get(process, which);
  GK_RETURN_IF_ERROR(Set(process, which, setting));
  return args.User(2).is_null() ? 0 : WriteSetting(args.User(2), old);
}

// alarm(seconds)
int64_t SysAlarm(const SyscallArgs& args) {
  Process* process = CurrentProcess();
  Setting old = Get(process, kItimerReal);
  GK_RETURN_IF_ERROR(
      Set(process, kItimerReal, {args.U32(0) * kNsPerSecond, 0}));
  // To the nearest second, but 0 only when none was set (alarm(2)).
  uint64_t seconds = (old.value_ns + kNsPerSecond / 2) / kNsPerSecond;
  if (seconds == 0 && old.value_ns != 0) seconds = 1;
  return static_cast<int64_t>(seconds);
}

}  // namespace gk
