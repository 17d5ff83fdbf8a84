// SPDX-License-Identifier: Apache-2.0
//
// Signals: queues, targets, delivery, restarts, job control.
#include "guestkernel/sched/signal.h"

#include <signal.h>
#include <sys/syscall.h>

#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/syscalls.h"
#include "guestkernel/sched/testing/kernel_test.h"

namespace gk {

namespace {

constexpr uint64_t kHandler = 0x1000;
constexpr uint64_t kRip = 0x400002;
constexpr uint64_t kCallNumber = 17;

SignalSet SetOf(std::initializer_list<int> signals) {
  SignalSet set;
  for (int signo : signals) set.Add(signo);
  return set;
}

SigInfo InfoOf(int signo, uint64_t value = 0) {
  SigInfo info = {};
  info.signo = signo;
  info.code = SI_QUEUE;
  info.kill.value = value;
  return info;
}

class SignalTest : public KernelTest {
 protected:
  static std::vector<PushedSignalFrame>& Pushed() {
    return ProcessCalls().frames;
  }
  void Handle(int signo, uint64_t flags = 0, SignalSet mask = {}) {
    process()->handlers->action(signo) = SigAction{kHandler, flags, 0, mask};
  }
  void Send(int signo) {
    ASSERT_EQ(SendSignalToProcess(process(), signo, nullptr), 0);
  }
  // A system call returned this, and the thread is on its way out.
  TrapFrame ReturnFromCall(int64_t result) {
    TrapFrame frame = {};
    frame.vector = kSyscallVector;
    frame.error_code = kCallNumber;
    frame.rax = static_cast<uint64_t>(result);
    frame.rip = kRip;
    PrepareUserReturn(&frame);
    return frame;
  }
  template <typename... Args>
  int64_t Call(SyscallHandler handler, Args... args) {
    frame_ = {};
    SyscallArgs call = {{(uint64_t)args...}, &frame_};
    return handler(call);
  }
  TrapFrame frame_;
};

TEST_F(SignalTest, StandardSignalsAreQueuedOnce) {
  PendingSignals pending;
  EXPECT_EQ(pending.Add(InfoOf(SIGUSR1, 1)), 0);
  EXPECT_EQ(pending.Add(InfoOf(SIGUSR1, 2)), 0);
  SigInfo info;
  EXPECT_TRUE(pending.Take(SetOf({SIGUSR1}), &info));
  EXPECT_EQ(info.kill.value, 1u);
  EXPECT_FALSE(pending.Take(SetOf({SIGUSR1}), &info));
}

TEST_F(SignalTest, RealTimeSignalsAreQueuedInOrder) {
  PendingSignals pending;
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(pending.Add(InfoOf(40, i)), 0);
    EXPECT_EQ(pending.Add(InfoOf(35, 10 + i)), 0);
  }
  std::vector<uint64_t> values;
  SigInfo info;
  while (pending.Take(SignalSet{~0ull}, &info)) {
    values.push_back(info.kill.value);
  }
  EXPECT_EQ(values, (std::vector<uint64_t>{10, 11, 12, 0, 1, 2}));
  EXPECT_TRUE(pending.set().empty());
}

TEST_F(SignalTest, MostUrgentFirst) {
  PendingSignals pending;
  for (int signo : {SIGHUP, SIGTERM, SIGSEGV, SIGKILL}) {
    EXPECT_EQ(pending.Add(InfoOf(signo)), 0);
  }
  std::vector<int> order;
  SigInfo info;
  while (pending.Take(SignalSet{~0ull}, &info)) order.push_back(info.signo);
  EXPECT_EQ(order, (std::vector<int>{SIGKILL, SIGSEGV, SIGHUP, SIGTERM}));
}

TEST_F(SignalTest, QueueLimitHoldsForRealTimeSignalsOnly) {
  PendingSignals pending;
  EXPECT_EQ(pending.Add(InfoOf(40), 1), 0);
  EXPECT_EQ(pending.Add(InfoOf(40), 1), -EAGAIN);
  EXPECT_EQ(pending.Add(InfoOf(SIGTERM), 1), 0);
}

TEST_F(SignalTest, StandardSignalsSurviveLackOfMemory) {
  PendingSignals pending;
  hosted::FailAllocationsAfter(0);
  EXPECT_EQ(pending.Add(InfoOf(SIGTERM, 7)), 0);
  EXPECT_EQ(pending.Add(InfoOf(40)), -EAGAIN);
  hosted::FailAllocationsAfter(-1);
  SigInfo info;
  EXPECT_TRUE(pending.Take(SetOf({SIGTERM}), &info));
  EXPECT_EQ(info.signo, SIGTERM);
}

TEST_F(SignalTest, IgnoredSignalsAreDroppedUnlessBlocked) {
  Send(SIGCHLD);
  EXPECT_TRUE(process()->pending.set().empty());
  SetBlockedSignals(SetOf({SIGCHLD}));
  Send(SIGCHLD);
  EXPECT_TRUE(process()->pending.set().Has(SIGCHLD));
}

TEST_F(SignalTest, IgnoringDiscardsPending) {
  SetBlockedSignals(SetOf({SIGUSR1}));
  Send(SIGUSR1);
  SigAction ignore = {1, 0, 0, {}};
  EXPECT_EQ(Call(&SysRtSigaction, SIGUSR1, &ignore, nullptr, 8), 0);
  EXPECT_TRUE(process()->pending.set().empty());
}

TEST_F(SignalTest, HandlerRunsWithItsMask) {
  Handle(SIGUSR1, 0, SetOf({SIGUSR2, SIGKILL}));
  SetBlockedSignals(SetOf({SIGHUP}));
  Send(SIGUSR1);
  ReturnFromCall(5);
  ASSERT_EQ(Pushed().size(), 1u);
  EXPECT_EQ(Pushed()[0].rax, 5u);
  EXPECT_EQ(Pushed()[0].code, SI_KERNEL);
  EXPECT_EQ(Pushed()[0].to_restore.bits, SetOf({SIGHUP}).bits);
  EXPECT_EQ(main_thread()->blocked.bits,
            SetOf({SIGHUP, SIGUSR1, SIGUSR2}).bits);
}

TEST_F(SignalTest, NoDeferAndResetHand) {
  Handle(SIGUSR1, SA_NODEFER | SA_RESETHAND);
  Send(SIGUSR1);
  ReturnFromCall(0);
  EXPECT_TRUE(main_thread()->blocked.empty());
  EXPECT_EQ(process()->handlers->action(SIGUSR1).handler, 0u);
}

TEST_F(SignalTest, SeveralHandlersAreStacked) {
  Handle(SIGUSR1);
  Handle(SIGUSR2);
  Send(SIGUSR2);
  Send(SIGUSR1);
  ReturnFromCall(0);
  ASSERT_EQ(Pushed().size(), 2u);
  EXPECT_EQ(Pushed()[0].signo, SIGUSR1);
  EXPECT_EQ(Pushed()[1].signo, SIGUSR2);
}

TEST_F(SignalTest, RestartDecisions) {
  struct Case {
    int code;
    uint64_t flags;
    int64_t rax;  // in the handler's frame
  };
  const Case cases[] = {
      {kErestartSys, 0, -EINTR},
      {kErestartSys, SA_RESTART, kCallNumber},
      {kErestartNoIntr, 0, kCallNumber},
      {kErestartNoHand, SA_RESTART, -EINTR},
      {kErestartRestartBlock, SA_RESTART, -EINTR},
      {EINTR, SA_RESTART, -EINTR},
  };
  for (const Case& c : cases) {
    Pushed().clear();
    SetBlockedSignals({});
    Handle(SIGUSR1, c.flags);
    Send(SIGUSR1);
    ReturnFromCall(-c.code);
    ASSERT_EQ(Pushed().size(), 1u);
    EXPECT_EQ(static_cast<int64_t>(Pushed()[0].rax), c.rax) << c.code;
    EXPECT_EQ(Pushed()[0].rip, c.rax < 0 ? kRip : kRip - 2) << c.code;
  }
}

TEST_F(SignalTest, RestartsWithoutHandler) {
  for (int code : {kErestartSys, kErestartNoIntr, kErestartNoHand}) {
    TrapFrame frame = ReturnFromCall(-code);
    EXPECT_EQ(frame.rax, kCallNumber);
    EXPECT_EQ(frame.rip, kRip - 2);
  }
  TrapFrame frame = ReturnFromCall(-kErestartRestartBlock);
  EXPECT_EQ(frame.rax, static_cast<uint64_t>(SYS_restart_syscall));
  EXPECT_EQ(frame.rip, kRip - 2);
}

TEST_F(SignalTest, ExceptionsAreNotRestarted) {
  TrapFrame frame = {};
  frame.vector = 14;
  frame.error_code = 4;
  frame.rax = static_cast<uint64_t>(-kErestartSys);
  frame.rip = kRip;
  PrepareUserReturn(&frame);
  EXPECT_EQ(frame.rip, kRip);
}

TEST_F(SignalTest, SuspendRestoresTheMaskInTheFrame) {
  Handle(SIGUSR1);
  SetBlockedSignals(SetOf({SIGUSR1}));
  Send(SIGUSR1);
  SignalSet none;
  int64_t result = Call(&SysRtSigsuspend, &none, 8);
  EXPECT_EQ(result, -kErestartNoHand);
  ReturnFromCall(result);
  ASSERT_EQ(Pushed().size(), 1u);
  EXPECT_EQ(static_cast<int64_t>(Pushed()[0].rax), -EINTR);
  EXPECT_EQ(Pushed()[0].to_restore.bits, SetOf({SIGUSR1}).bits);
}

TEST_F(SignalTest, TemporaryMaskComesBackWithoutSignal) {
  SetBlockedSignals(SetOf({SIGHUP}));
  BeginTemporaryMask({});
  EndTemporaryMask(true);
  ReturnFromCall(-EINTR);
  EXPECT_EQ(main_thread()->blocked.bits, SetOf({SIGHUP}).bits);
  EXPECT_FALSE(main_thread()->restore_blocked);
}

TEST_F(SignalTest, DefaultActionTerminates) {
  Thread* victim = Spawn([&] { ReturnFromCall(0); }, process());
  SetBlockedSignals(SetOf({SIGTERM}));
  Send(SIGTERM);
  Join(victim);
  EXPECT_EQ(ProcessCalls().exit_process_status, SIGTERM);
}

TEST_F(SignalTest, UnwritableFrameKills) {
  Handle(SIGSEGV);
  Handle(SIGUSR1);
  ProcessCalls().push_result = -EFAULT;
  Thread* victim = Spawn(
      [&] {
        SendSignalToThread(CurrentThread(), SIGUSR1, nullptr);
        ReturnFromCall(0);
      },
      process());
  Join(victim);
  EXPECT_EQ(ProcessCalls().exit_process_status, SIGSEGV);
}

TEST_F(SignalTest, ForcedSignalKillsIfBlocked) {
  Handle(SIGSEGV);
  Thread* victim = Spawn(
      [&] {
        SetBlockedSignals(SetOf({SIGSEGV}));
        ForceSignal(SIGSEGV, KernelSigInfo(SIGSEGV));
        ReturnFromCall(0);
      },
      process());
  Join(victim);
  EXPECT_EQ(ProcessCalls().exit_process_status, SIGSEGV);
  EXPECT_TRUE(Pushed().empty());
}

TEST_F(SignalTest, ProcessSignalWakesAThreadThatDoesNotBlockIt) {
  Handle(SIGUSR1);
  SetBlockedSignals(SetOf({SIGUSR1}));
  int result = 0;
  Thread* other = Spawn([&] { result = Call(&SysPause); }, process());
  RunOthers();
  Send(SIGUSR1);
  Join(other);
  EXPECT_EQ(result, -kErestartNoHand);
}

TEST_F(SignalTest, BlockingHandsPendingSignalsOver) {
  Handle(SIGUSR1);
  int result = 0;
  Thread* other = Spawn([&] { result = Call(&SysPause); }, process());
  RunOthers();
  Send(SIGUSR1);  // meant for the leader, this thread
  RunOthers();
  EXPECT_EQ(result, 0);
  SetBlockedSignals(SetOf({SIGUSR1}));
  Join(other);
  EXPECT_EQ(result, -kErestartNoHand);
}

TEST_F(SignalTest, SigtimedwaitTakesBlockedSignal) {
  SetBlockedSignals(SetOf({SIGUSR1}));
  SignalSet wanted = SetOf({SIGUSR1});
  SigInfo info = {};
  int64_t result = 0;
  Thread* waiter = Spawn(
      [&] {
        SetBlockedSignals(SetOf({SIGUSR1}));
        result = Call(&SysRtSigtimedwait, &wanted, &info, nullptr, 8);
      },
      process());
  RunOthers();
  EXPECT_EQ(result, 0);
  Send(SIGUSR1);
  Join(waiter);
  EXPECT_EQ(result, SIGUSR1);
  EXPECT_EQ(info.signo, SIGUSR1);
}

TEST_F(SignalTest, SigtimedwaitTimesOut) {
  SignalSet wanted = SetOf({SIGUSR1});
  TimeSpec timeout = {1, 0};
  EXPECT_EQ(Call(&SysRtSigtimedwait, &wanted, nullptr, &timeout, 8), -EAGAIN);
}

TEST_F(SignalTest, StopAndContinue) {
  Process* child = NewChild();
  SetBlockedSignals(SetOf({SIGCHLD}));
  int returned = 0;
  Thread* thread = Spawn(
      [&] {
        ReturnFromCall(0);
        ++returned;
      },
      child);
  EXPECT_EQ(SendSignalToProcess(child, SIGSTOP, nullptr), 0);
  RunOthers();
  EXPECT_EQ(child->state, ProcessState::kStopped);
  EXPECT_EQ(thread->state, ThreadState::kStopped);
  EXPECT_EQ(child->stop_signal, SIGSTOP);
  SigInfo info;
  ASSERT_TRUE(TakeSignal(SetOf({SIGCHLD}), &info));
  EXPECT_EQ(info.code, CLD_STOPPED);
  EXPECT_EQ(info.child.status, SIGSTOP);
  EXPECT_EQ(SendSignalToProcess(child, SIGCONT, nullptr), 0);
  Join(thread);
  EXPECT_EQ(returned, 1);
  EXPECT_TRUE(child->continued);
  ASSERT_TRUE(TakeSignal(SetOf({SIGCHLD}), &info));
  EXPECT_EQ(info.code, CLD_CONTINUED);
}

TEST_F(SignalTest, StopAndContinueCancelEachOther) {
  SetBlockedSignals(SetOf({SIGTSTP, SIGCONT}));
  Send(SIGTSTP);
  EXPECT_TRUE(process()->pending.set().Has(SIGTSTP));
  Send(SIGCONT);
  EXPECT_EQ(process()->pending.set().bits, SetOf({SIGCONT}).bits);
  Send(SIGTSTP);
  EXPECT_EQ(process()->pending.set().bits, SetOf({SIGTSTP}).bits);
}

TEST_F(SignalTest, KillReachesStoppedThreads) {
  Process* child = NewChild();
  Thread* thread = Spawn([&] { ReturnFromCall(0); }, child);
  SendSignalToProcess(child, SIGSTOP, nullptr);
  RunOthers();
  SendSignalToProcess(child, SIGKILL, nullptr);
  Join(thread);
  EXPECT_EQ(ProcessCalls().exit_process_status, SIGKILL);
}

TEST_F(SignalTest, KillCall) {
  int pid = process()->pid;
  EXPECT_EQ(Call(&SysKill, pid, 65), -EINVAL);
  EXPECT_EQ(Call(&SysKill, 9999, SIGTERM), -ESRCH);
  EXPECT_EQ(Call(&SysKill, -9999, SIGTERM), -ESRCH);
  EXPECT_EQ(Call(&SysKill, pid, 0), 0);
  EXPECT_EQ(Call(&SysKill, 1, SIGKILL), 0);  // init does not mind
  SetBlockedSignals(SetOf({SIGTERM, SIGUSR1}));
  EXPECT_EQ(Call(&SysKill, -pid, SIGTERM), 0);
  EXPECT_EQ(Call(&SysTgkill, pid, pid, SIGUSR1), 0);
  EXPECT_EQ(Call(&SysTgkill, 1, pid, SIGUSR1), -ESRCH);
  EXPECT_TRUE(process()->pending.set().Has(SIGTERM));
  EXPECT_TRUE(main_thread()->pending.set().Has(SIGUSR1));
  ProcessCalls().may_signal = false;
  EXPECT_EQ(Call(&SysKill, pid, SIGTERM), -EPERM);
}

TEST_F(SignalTest, QueuedInfoMayNotBeForged) {
  SigInfo info = InfoOf(SIGUSR1);
  info.code = SI_USER;
  EXPECT_EQ(Call(&SysRtSigqueueinfo, 1, SIGUSR1, &info), -EPERM);
  info.code = SI_QUEUE;
  EXPECT_EQ(Call(&SysRtSigqueueinfo, 1, SIGUSR1, &info), 0);
}

TEST_F(SignalTest, ActionArgumentsAreChecked) {
  SigAction action = {kHandler, 0, 0, {}};
  EXPECT_EQ(Call(&SysRtSigaction, SIGKILL, &action, nullptr, 8), -EINVAL);
  EXPECT_EQ(Call(&SysRtSigaction, 65, nullptr, nullptr, 8), -EINVAL);
  EXPECT_EQ(Call(&SysRtSigaction, SIGHUP, &action, nullptr, 16), -EINVAL);
  EXPECT_EQ(Call(&SysRtSigaction, SIGHUP, 8, nullptr, 8), -EFAULT);
  EXPECT_EQ(Call(&SysRtSigaction, SIGKILL, nullptr, &action, 8), 0);
  EXPECT_EQ(action.handler, 0u);
}

TEST_F(SignalTest, AltStack) {
  stack_t stack = {(void*)0x10000, 0, 8192}, old = {};
  EXPECT_EQ(Call(&SysSigaltstack, &stack, &old), 0);
  EXPECT_EQ(old.ss_flags, SS_DISABLE);
  stack.ss_size = 100;
  EXPECT_EQ(Call(&SysSigaltstack, &stack, nullptr), -ENOMEM);
  stack.ss_flags = 77;
  EXPECT_EQ(Call(&SysSigaltstack, &stack, nullptr), -EINVAL);
  TrapFrame frame = {};
  frame.rsp = 0x10800;
  SyscallArgs on_stack = {{0, (uint64_t)&old}, &frame};
  EXPECT_EQ(SysSigaltstack(on_stack), 0);
  EXPECT_EQ(old.ss_flags, SS_ONSTACK);
  EXPECT_EQ(old.ss_size, 8192u);
  on_stack.a[0] = (uint64_t)&old;
  EXPECT_EQ(SysSigaltstack(on_stack), -EPERM);
}

}  // namespace
}  // namespace gk
