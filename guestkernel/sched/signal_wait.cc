// SPDX-License-Identifier: Apache-2.0
//
// System calls that wait for signals, and restart_syscall(2). The current
// thread's own business.
#include <asm/signal.h>

#include <utility>

#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/syscalls.h"

namespace gk {
namespace {

// Until a signal comes that this thread handles: -kErestartSys. -ETIMEDOUT.
int WaitForSignal(Deadline deadline) {
  for (;;) {
    PrepareToBlock();
    if (int error = Block(deadline)) return error;
  }
}

int64_t TimedWait(SignalSet wanted, Deadline deadline, SigInfo* info) {
  if (TakeSignal(wanted, info)) return 0;
  Thread* thread = CurrentThread();
  thread->sigwait_set = wanted;
  thread->wait_reason = "sigtimedwait";
  int error = WaitForSignal(deadline);
  thread->sigwait_set = {};
  if (TakeSignal(wanted, info)) return 0;
  return error == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

}  // namespace

// pause()
int64_t SysPause(const SyscallArgs&) {
  CurrentThread()->wait_reason = "pause";
  WaitForSignal(Deadline::Never());
  return -kErestartNoHand;
}

// rt_sigsuspend(mask, size)
int64_t SysRtSigsuspend(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(SignalSet mask, ReadSignalSet(args.User(0), args.U64(1)));
  BeginTemporaryMask(mask);
  CurrentThread()->wait_reason = "sigsuspend";
  WaitForSignal(Deadline::Never());
  EndTemporaryMask(true);
  return -kErestartNoHand;
}

// rt_sigtimedwait(set, info, timeout, size)
int64_t SysRtSigtimedwait(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(SignalSet wanted,
                      ReadSignalSet(args.User(0), args.U64(3)));
  wanted.Remove(SIGKILL);
  wanted.Remove(SIGSTOP);
  Deadline deadline = Deadline::Never();
  if (!args.User(2).is_null()) {
    GK_ASSIGN_OR_RETURN(TimeSpec timeout, ReadUser<TimeSpec>(args.User(2)));
    uint64_t ns;
    GK_RETURN_IF_ERROR(ToNanoseconds(timeout, &ns));
    deadline = Deadline::After(ns);
  }
  SigInfo info;
  if (int64_t error = TimedWait(wanted, deadline, &info)) return error;
  if (!args.User(1).is_null()) {
    GK_RETURN_IF_ERROR(WriteUser(args.User(1), info));
  }
  return info.signo;
}

// restart_syscall(): what an interrupted call asked to go on with.
int64_t SysRestartSyscall(const SyscallArgs&) {
  RestartBlock& block = CurrentThread()->restart_block;
  auto restart = std::exchange(block.restart, nullptr);
  return restart ? restart(block) : -EINTR;
}

}  // namespace gk
