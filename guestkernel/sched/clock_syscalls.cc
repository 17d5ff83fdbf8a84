// SPDX-License-Identifier: Apache-2.0
//
// Reading clocks. Nobody may set them: the VMM keeps them. Any thread.
#include "guestkernel/sched/clock_id.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/syscalls.h"
#include "guestkernel/sched/time_value.h"

namespace gk {
namespace {

// include/uapi/linux/time.h
enum ClockNumber : int {
  kClockRealtime = 0,
  kClockMonotonic = 1,
  kClockProcessCputime = 2,
  kClockThreadCputime = 3,
  kClockMonotonicRaw = 4,
  kClockRealtimeCoarse = 5,
  kClockMonotonicCoarse = 6,
  kClockBoottime = 7,
  kClockTai = 11,
};

ClockId System(ClockBase base, bool has_timers) {
  ClockId id;
  id.base = base;
  id.has_timers = has_timers;
  return id;
}

ClockId OfProcess(Process* process) {
  ClockId id;
  id.kind = ClockId::Kind::kProcess;
  id.process = RefPtr<Process>(process);
  return id;
}

ClockId OfThread(Thread* thread) {
  ClockId id = OfProcess(thread->process);
  id.kind = ClockId::Kind::kThread;
  id.thread = RefPtr<Thread>(thread);
  return id;
}

// Negative ids name the CPU clock of a process or thread: ~pid << 3, 4 for a
// thread, and which time (include/linux/posix-timers.h).
Result<ClockId> ParseCpuClockId(int id) {
  constexpr int kPerThread = 4, kWhichMask = 3;
  constexpr int kProf = 0, kVirtual = 1, kSched = 2;
  int pid = ~(id >> 3);
  ClockId clock;
  if (id & kPerThread) {
    Thread* thread = pid == 0 ? CurrentThread() : FindThread(pid);
    if (!thread || thread->process != CurrentProcess()) return Error(-EINVAL);
    clock = OfThread(thread);
  } else {
    Process* process = pid == 0 ? CurrentProcess() : FindProcess(pid);
    if (!process) return Error(-EINVAL);
    clock = OfProcess(process);
  }
  switch (id & kWhichMask) {
    case kProf:
    case kSched:
      return clock;
    case kVirtual:
      clock.cpu_kind = CpuClockKind::kUser;
      return clock;
    default:
      return Error(-EINVAL);
  }
}

// There is one time zone for programs: theirs.
struct TimeZone {
  int32_t minutes_west;
  int32_t dst_time;
};

}  // namespace

uint64_t ClockId::Now() const {
  if (kind == Kind::kSystem) return ClockNow(base);
  CpuTime time = kind == Kind::kThread ? ThreadCpuTime(thread.get())
                                       : ProcessCpuTime(process.get());
  return cpu_kind == CpuClockKind::kUser ? time.user_ns : time.total_ns();
}

Result<ClockId> ParseClockId(int id) {
  if (id < 0) return ParseCpuClockId(id);
  switch (id) {
    case kClockRealtime:
    case kClockTai:
      return System(ClockBase::kRealtime, true);
    case kClockMonotonic:
      return System(ClockBase::kMonotonic, true);
    case kClockBoottime:
      return System(ClockBase::kBoottime, true);
    case kClockRealtimeCoarse:
      return System(ClockBase::kRealtime, false);
    case kClockMonotonicRaw:
    case kClockMonotonicCoarse:
      return System(ClockBase::kMonotonic, false);
    case kClockProcessCputime:
      return OfProcess(CurrentProcess());
    case kClockThreadCputime:
      return OfThread(CurrentThread());
    default:
      return Error(-EINVAL);
  }
}

// clock_gettime(id, time)
int64_t SysClockGettime(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(ClockId clock, ParseClockId(args.Int(0)));
  return WriteUser(args.User(1), ToTimeSpec(clock.Now()));
}

// clock_getres(id, resolution)
int64_t SysClockGetres(const SyscallArgs& args) {
  GK_RETURN_IF_ERROR(ParseClockId(args.Int(0)));
  if (args.User(1).is_null()) return 0;
  return WriteUser(args.User(1), TimeSpec{0, 1});
}

// clock_settime(id, time)
int64_t SysClockSettime(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(TimeSpec time, ReadUser<TimeSpec>(args.User(1)));
  GK_ASSIGN_OR_RETURN(ClockId clock, ParseClockId(args.Int(0)));
  if (args.Int(0) != kClockRealtime) return -EINVAL;
  uint64_t ns;
  GK_RETURN_IF_ERROR(ToNanoseconds(time, &ns));
  return -EPERM;
}

// gettimeofday(time, zone)
int64_t SysGettimeofday(const SyscallArgs& args) {
  if (!args.User(0).is_null()) {
    GK_RETURN_IF_ERROR(WriteUser(args.User(0), ToTimeValue(RealtimeNs())));
  }
  if (args.User(1).is_null()) return 0;
  return WriteUser(args.User(1), TimeZone{0, 0});
}

// settimeofday(time, zone)
int64_t SysSettimeofday(const SyscallArgs&) { return -EPERM; }

// time(where)
int64_t SysTime(const SyscallArgs& args) {
  int64_t seconds = ToTimeSpec(RealtimeNs()).seconds;
  if (!args.User(0).is_null()) {
    GK_RETURN_IF_ERROR(WriteUser(args.User(0), seconds));
  }
  return seconds;
}

}  // namespace gk
