// SPDX-License-Identifier: Apache-2.0
//
// timer_create(2), timer_settime(2) and their kin. Any thread.
#include <asm/signal.h>

#include <utility>

#include "guestkernel/sched/posix_timer.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/syscalls.h"

namespace gk {
namespace {

constexpr uint64_t kTimerAbstime = 1;
// sigevent.sigev_notify; SIGEV_THREAD is the C library's business.
constexpr int kSigevSignal = 0, kSigevNone = 1, kSigevThread = 2,
              kSigevThreadId = 4;

struct SigEvent {  // struct sigevent of the ABI
  uint64_t value;
  int32_t signo;
  int32_t notify;
  int32_t tid;
  uint32_t padding[11];
};
static_assert(sizeof(SigEvent) == 64);

int ApplySigEvent(const SigEvent& event, PosixTimer::Options* options) {
  switch (event.notify) {
    case kSigevNone:
      options->signals = false;
      return 0;
    case kSigevThreadId: {
      Thread* thread = FindThread(event.tid);
      if (!thread || thread->process != CurrentProcess()) return -EINVAL;
      options->target_tid = event.tid;
      break;
    }
    case kSigevSignal:
    case kSigevThread:
      break;
    default:
      return -EINVAL;
  }
  if (event.signo < 1 || event.signo > kSignalCount) return -EINVAL;
  options->signo = event.signo;
  options->value = event.value;
  return 0;
}

PosixTimer* FindTimer(int id) {
  Process* process = CurrentProcess();
  return process->posix_timers ? process->posix_timers->Find(id) : nullptr;
}

TimerSpec GetSpec(const PosixTimer& timer) {
  return TimerSpec{ToTimeSpec(timer.interval()), ToTimeSpec(timer.Remaining())};
}

}  // namespace

// timer_create(clock, event, id)
int64_t SysTimerCreate(const SyscallArgs& args) {
  PosixTimer::Options options;
  GK_ASSIGN_OR_RETURN(options.clock, ParseClockId(args.Int(0)));
  if (!options.clock.has_timers) return -EOPNOTSUPP;
  Process* process = CurrentProcess();
  if (options.clock.process && options.clock.process != process) return -EINVAL;
  bool default_event = args.User(1).is_null();
  if (default_event) {
    options.signo = SIGALRM;
  } else {
    GK_ASSIGN_OR_RETURN(SigEvent event, ReadUser<SigEvent>(args.User(1)));
    GK_RETURN_IF_ERROR(ApplySigEvent(event, &options));
  }
  if (!process->posix_timers) {
    process->posix_timers = MakeUnique<PosixTimerTable>();
    if (!process->posix_timers) return -ENOMEM;
  }
  int32_t id =
      process->posix_timers->Add(process, std::move(options), default_event);
  if (id < 0) return id;
  if (int error = WriteUser(args.User(2), id)) {
    process->posix_timers->Remove(id);
    return error;
  }
  return 0;
}

// timer_settime(id, flags, new, old)
int64_t SysTimerSettime(const SyscallArgs& args) {
  if (args.User(2).is_null()) return -EINVAL;
  GK_ASSIGN_OR_RETURN(TimerSpec spec, ReadUser<TimerSpec>(args.User(2)));
  uint64_t value, interval;
  GK_RETURN_IF_ERROR(ToNanoseconds(spec.value, &value));
  GK_RETURN_IF_ERROR(ToNanoseconds(spec.interval, &interval));
  PosixTimer* timer = FindTimer(args.Int(0));
  if (!timer) return -EINVAL;
  TimerSpec old = GetSpec(*timer);
  if (value != 0 && !(args.U64(1) & kTimerAbstime)) {
    uint64_t now = timer->Now();
    value = value > ~now ? ~uint64_t{0} : now + value;
  }
  GK_RETURN_IF_ERROR(timer->Set(value, interval));
  return args.User(3).is_null() ? 0 : WriteUser(args.User(3), old);
}

// timer_gettime(id, value)
int64_t SysTimerGettime(const SyscallArgs& args) {
  PosixTimer* timer = FindTimer(args.Int(0));
  if (!timer) return -EINVAL;
  return WriteUser(args.User(1), GetSpec(*timer));
}

// timer_getoverrun(id)
int64_t SysTimerGetoverrun(const SyscallArgs& args) {
  PosixTimer* timer = FindTimer(args.Int(0));
  return timer ? timer->last_overrun() : -EINVAL;
}

// timer_delete(id)
int64_t SysTimerDelete(const SyscallArgs& args) {
  if (!FindTimer(args.Int(0))) return -EINVAL;
  CurrentProcess()->posix_timers->Remove(args.Int(0));
  return 0;
}

}  // namespace gk
