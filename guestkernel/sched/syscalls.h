// SPDX-License-Identifier: Apache-2.0
//
// System calls of sched/: signals, clocks, timers, futexes, scheduling.
#ifndef CRVM_GUESTKERNEL_SCHED_SYSCALLS_H_
#define CRVM_GUESTKERNEL_SCHED_SYSCALLS_H_

#include "guestkernel/syscall/syscall.h"

namespace gk {

// signal_action.cc, signal_kill.cc, signal_wait.cc
int64_t SysRtSigaction(const SyscallArgs& args);
int64_t SysRtSigprocmask(const SyscallArgs& args);
int64_t SysRtSigpending(const SyscallArgs& args);
int64_t SysSigaltstack(const SyscallArgs& args);
int64_t SysKill(const SyscallArgs& args);
int64_t SysTkill(const SyscallArgs& args);
int64_t SysTgkill(const SyscallArgs& args);
int64_t SysRtSigqueueinfo(const SyscallArgs& args);
int64_t SysRtTgsigqueueinfo(const SyscallArgs& args);
int64_t SysRtSigsuspend(const SyscallArgs& args);
int64_t SysRtSigtimedwait(const SyscallArgs& args);
int64_t SysPause(const SyscallArgs& args);
int64_t SysRestartSyscall(const SyscallArgs& args);

// clock_syscalls.cc, nanosleep.cc, itimer.cc, posix_timer_syscalls.cc
int64_t SysClockGettime(const SyscallArgs& args);
int64_t SysClockGetres(const SyscallArgs& args);
int64_t SysClockSettime(const SyscallArgs& args);
int64_t SysGettimeofday(const SyscallArgs& args);
int64_t SysSettimeofday(const SyscallArgs& args);
int64_t SysTime(const SyscallArgs& args);
int64_t SysNanosleep(const SyscallArgs& args);
int64_t SysClockNanosleep(const SyscallArgs& args);
int64_t SysGetitimer(const SyscallArgs& args);
int64_t SysSetitimer(const SyscallArgs& args);
int64_t SysAlarm(const SyscallArgs& args);
int64_t SysTimerCreate(const SyscallArgs& args);
int64_t SysTimerSettime(const SyscallArgs& args);
int64_t SysTimerGettime(const SyscallArgs& args);
int64_t SysTimerGetoverrun(const SyscallArgs& args);
int64_t SysTimerDelete(const SyscallArgs& args);

// futex.cc, futex_waitv.cc, futex_exit.cc
int64_t SysFutex(const SyscallArgs& args);
int64_t SysFutexWaitv(const SyscallArgs& args);
int64_t SysSetRobustList(const SyscallArgs& args);
int64_t SysGetRobustList(const SyscallArgs& args);

// sched_syscalls.cc, priority_syscalls.cc
int64_t SysSchedYield(const SyscallArgs& args);
int64_t SysSchedSetaffinity(const SyscallArgs& args);
int64_t SysSchedGetaffinity(const SyscallArgs& args);
int64_t SysSchedSetparam(const SyscallArgs& args);
int64_t SysSchedGetparam(const SyscallArgs& args);
int64_t SysSchedSetscheduler(const SyscallArgs& args);
int64_t SysSchedGetscheduler(const SyscallArgs& args);
int64_t SysSchedGetPriorityMax(const SyscallArgs& args);
int64_t SysSchedGetPriorityMin(const SyscallArgs& args);
int64_t SysSchedRrGetInterval(const SyscallArgs& args);
int64_t SysSchedSetattr(const SyscallArgs& args);
int64_t SysSchedGetattr(const SyscallArgs& args);
int64_t SysGetpriority(const SyscallArgs& args);
int64_t SysSetpriority(const SyscallArgs& args);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_SYSCALLS_H_
