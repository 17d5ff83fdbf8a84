// SPDX-License-Identifier: Apache-2.0
//
// sched_*(2). Policies and priorities are kept and reported; all threads share
// the processor alike. Any thread.
#include "guestkernel/lib/string.h"
#include "guestkernel/sched/priority.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/scheduler.h"
#include "guestkernel/sched/syscalls.h"

namespace gk {
namespace {

// linux/sched.h
constexpr int kSchedOther = 0, kSchedFifo = 1, kSchedRr = 2, kSchedBatch = 3,
              kSchedIdle = 5;
constexpr int kResetOnForkFlag = 0x40000000;
constexpr uint64_t kAttrResetOnFork = 1;
constexpr int kMinRealtimePriority = 1, kMaxRealtimePriority = 99;
constexpr int kLimitRealtimePriority = 14;  // RLIMIT_RTPRIO
constexpr int kLimitNice = 13;              // RLIMIT_NICE

struct SchedAttr {  // struct sched_attr, first version
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};
static_assert(sizeof(SchedAttr) == 48);

Thread* FindTarget(int tid) {
  if (tid == 0) return CurrentThread();
  Thread* thread = tid > 0 ? FindThread(tid) : nullptr;
  return thread && thread->process ? thread : nullptr;
}

// PID 1 has no thread: to those who ask, it is as any other is at first.
bool IsInit(int pid) {
  Process* process = pid > 0 ? FindProcess(pid) : nullptr;
  return process && process->is_kernel;
}

bool MayChange(const Thread& target) {
  const Credentials& own = CurrentThread()->credentials;
  return own.euid == target.credentials.euid ||
         own.euid == target.credentials.uid || HasCapability(kCapSysNice);
}

bool IsRealtime(int policy) {
  return policy == kSchedFifo || policy == kSchedRr;
}

bool IsKnown(int policy) {
  return policy == kSchedOther || policy == kSchedBatch ||
         policy == kSchedIdle || IsRealtime(policy);
}

// The checks of sched_setscheduler(2).
int SetPolicy(Thread* target, int policy, int priority, bool reset_on_fork) {
  if (!IsKnown(policy)) return -EINVAL;
  if (IsRealtime(policy)) {
    if (priority < kMinRealtimePriority || priority > kMaxRealtimePriority) {
      return -EINVAL;
    }
    uint64_t limit = target->process->limits[kLimitRealtimePriority].soft;
    bool raises = priority > target->realtime_priority &&
                  static_cast<uint64_t>(priority) > limit;
    if (raises && !HasCapability(kCapSysNice)) return -EPERM;
  } else if (priority != 0) {
    return -EINVAL;
  }
  if (!MayChange(*target)) return -EPERM;
  if (target->reset_on_fork && !reset_on_fork && !HasCapability(kCapSysNice)) {
    return -EPERM;
  }
  target->policy = policy;
  target->realtime_priority = priority;
  target->reset_on_fork = reset_on_fork;
  return 0;
}

// The CPUs that there are.
uint64_t AllCpus() {
  uint32_t count = GetBootInfo().vcpu_count;
  return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

}  // namespace

bool MaySetNice(const Thread& target, int nice) {
  // RLIMIT_NICE counts 1..40 for nice 19..-20.
  uint64_t limit = target.process->limits[kLimitNice].soft;
  return nice >= target.nice || static_cast<uint64_t>(20 - nice) <= limit ||
         HasCapability(kCapSysNice);
}

// sched_yield()
int64_t SysSchedYield(const SyscallArgs&) {
  Yield();
  return 0;
}

// sched_setaffinity(tid, size, mask)
int64_t SysSchedSetaffinity(const SyscallArgs& args) {
  uint64_t mask = 0;
  uint64_t size = args.U32(1);
  if (size > sizeof(mask)) size = sizeof(mask);
  GK_RETURN_IF_ERROR(CopyFromUser(&mask, args.User(2), size));
  Thread* target = FindTarget(args.Int(0));
  if (!target) return -ESRCH;
  if (!MayChange(*target)) return -EPERM;
  if ((mask & AllCpus()) == 0) return -EINVAL;
  target->cpu_mask = mask & AllCpus();
  return 0;
}

// sched_getaffinity(tid, size, mask): the bytes written.
int64_t SysSchedGetaffinity(const SyscallArgs& args) {
  uint64_t size = args.U32(1);
  if (size * 8 < GetBootInfo().vcpu_count || size % sizeof(uint64_t) != 0) {
    return -EINVAL;
  }
  Thread* target = FindTarget(args.Int(0));
  if (!target && !IsInit(args.Int(0))) return -ESRCH;
  uint64_t mask = target ? target->cpu_mask & AllCpus() : AllCpus();
  GK_RETURN_IF_ERROR(WriteUser(args.User(2), mask));
  return sizeof(mask);
}

// sched_setscheduler(tid, policy, param)
int64_t SysSchedSetscheduler(const SyscallArgs& args) {
  if (args.Int(0) < 0 || args.Int(1) < 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(int32_t priority, ReadUser<int32_t>(args.User(2)));
  Thread* target = FindTarget(args.Int(0));
  if (!target) return -ESRCH;
  return SetPolicy(target, args.Int(1) & ~kResetOnForkFlag, priority,
                   (args.Int(1) & kResetOnForkFlag) != 0);
}

// sched_getscheduler(tid)
int64_t SysSchedGetscheduler(const SyscallArgs& args) {
  if (args.Int(0) < 0) return -EINVAL;
  if (IsInit(args.Int(0))) return kSchedOther;
  Thread* target = FindTarget(args.Int(0));
  if (!target) return -ESRCH;
  return target->policy | (target->reset_on_fork ? kResetOnForkFlag : 0);
}

// sched_setparam(tid, param)
int64_t SysSchedSetparam(const SyscallArgs& args) {
  if (args.Int(0) < 0 || args.User(1).is_null()) return -EINVAL;
  GK_ASSIGN_OR_RETURN(int32_t priority, ReadUser<int32_t>(args.User(1)));
  Thread* target = FindTarget(args.Int(0));
  if (!target) return -ESRCH;
  return SetPolicy(target, target->policy, priority, target->reset_on_fork);
}

// sched_getparam(tid, param)
int64_t SysSchedGetparam(const SyscallArgs& args) {
  if (args.Int(0) < 0 || args.User(1).is_null()) return -EINVAL;
  Thread* target = FindTarget(args.Int(0));
  if (!target && !IsInit(args.Int(0))) return -ESRCH;
  int32_t priority = target ? target->realtime_priority : 0;
  return WriteUser(args.User(1), priority);
}

// sched_get_priority_max(policy)
int64_t SysSchedGetPriorityMax(const SyscallArgs& args) {
  if (!IsKnown(args.Int(0))) return -EINVAL;
  return IsRealtime(args.Int(0)) ? kMaxRealtimePriority : 0;
}

// sched_get_priority_min(policy)
int64_t SysSchedGetPriorityMin(const SyscallArgs& args) {
  if (!IsKnown(args.Int(0))) return -EINVAL;
  return IsRealtime(args.Int(0)) ? kMinRealtimePriority : 0;
}

// sched_rr_get_interval(tid, interval)
int64_t SysSchedRrGetInterval(const SyscallArgs& args) {
  if (args.Int(0) < 0) return -EINVAL;
  Thread* target = FindTarget(args.Int(0));
  if (!target) return -ESRCH;
  uint64_t ns = target->policy == kSchedFifo ? 0 : kTimeSliceNs;
  return WriteUser(args.User(1), ToTimeSpec(ns));
}

// sched_setattr(tid, attr, flags)
int64_t SysSchedSetattr(const SyscallArgs& args) {
  if (args.Int(0) < 0 || args.User(1).is_null() || args.U32(2) != 0) {
    return -EINVAL;
  }
  GK_ASSIGN_OR_RETURN(uint32_t size, ReadUser<uint32_t>(args.User(1)));
  if (size == 0) size = sizeof(SchedAttr);
  if (size < sizeof(SchedAttr)) return -E2BIG;
  GK_ASSIGN_OR_RETURN(SchedAttr attr, ReadUser<SchedAttr>(args.User(1)));
  if (attr.flags & ~kAttrResetOnFork) return -EINVAL;
  Thread* target = FindTarget(args.Int(0));
  if (!target) return -ESRCH;
  int policy = static_cast<int>(attr.policy);
  bool has_nice = policy == kSchedOther || policy == kSchedBatch;
  int nice = attr.nice < -20 ? -20 : attr.nice > 19 ? 19 : attr.nice;
  if (has_nice && !MaySetNice(*target, nice)) return -EPERM;
  GK_RETURN_IF_ERROR(SetPolicy(target, policy, static_cast<int>(attr.priority),
                               (attr.flags & kAttrResetOnFork) != 0));
  if (has_nice) target->nice = static_cast<int8_t>(nice);
  return 0;
}

// sched_getattr(tid, attr, size, flags)
int64_t SysSchedGetattr(const SyscallArgs& args) {
  uint32_t size = args.U32(2);
  if (args.Int(0) < 0 || args.User(1).is_null() || args.U32(3) != 0 ||
      size < sizeof(SchedAttr) || size > 4096) {
    return -EINVAL;
  }
  Thread* target = FindTarget(args.Int(0));
  if (!target) return -ESRCH;
  SchedAttr attr = {};
  attr.size = sizeof(attr);
  attr.policy = static_cast<uint32_t>(target->policy);
  attr.flags = target->reset_on_fork ? kAttrResetOnFork : 0;
  attr.nice = target->nice;
  attr.priority = static_cast<uint32_t>(target->realtime_priority);
  return WriteUser(args.User(1), attr);
}

}  // namespace gk
