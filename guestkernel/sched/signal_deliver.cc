// SPDX-License-Identifier: Apache-2.0
//
// Delivering signals on the way to user mode, and what becomes of the system
// call that one has interrupted (signal(7), "Interruption of system calls").
// The current thread's own business.
#include <asm/signal.h>
#include <asm/unistd_64.h>

#include "guestkernel/arch/trap_frame.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"

namespace gk {
namespace {

constexpr uint64_t kSyscallInstructionSize = 2;

// The -kErestart* that a system call has returned (positive); 0 for none.
int RestartCode(const TrapFrame& frame) {
  if (frame.vector != kSyscallVector || frame.error_code == ~uint64_t{0}) {
    return 0;
  }
  switch (int64_t result = -static_cast<int64_t>(frame.rax)) {
    case kErestartSys:
    case kErestartNoIntr:
    case kErestartNoHand:
    case kErestartRestartBlock:
      return static_cast<int>(result);
    default:
      return 0;
  }
}

// The program executes its `syscall` instruction again, with this number.
void RestartWith(TrapFrame* frame, uint64_t number) {
  frame->rax = number;
  frame->rip -= kSyscallInstructionSize;
}

// No handler runs: the call goes on as if nothing had happened.
void RestartWithoutHandler(TrapFrame* frame) {
  int code = RestartCode(*frame);
  if (code == 0) return;
  RestartWith(frame, code == kErestartRestartBlock ? __NR_restart_syscall
                                                   : frame->error_code);
}

void RestartBeforeHandler(TrapFrame* frame, const SigAction& action) {
  int code = RestartCode(*frame);
  if (code == 0) return;
  bool restart = code == kErestartNoIntr ||
                 (code == kErestartSys && (action.flags & SA_RESTART));
  if (restart) {
    RestartWith(frame, frame->error_code);
  } else {
    frame->rax = static_cast<uint64_t>(-EINTR);
  }
}

// The handler's frame cannot be written: the program dies of it.
void FailDelivery(int signo) {
  if (signo == SIGSEGV) {
    CurrentProcess()->handlers->action(SIGSEGV).handler =
        reinterpret_cast<uint64_t>(SIG_DFL);
  }
  ForceSignal(SIGSEGV, KernelSigInfo(SIGSEGV));
}

void InvokeHandler(TrapFrame* frame, const SigInfo& info) {
  Thread* thread = CurrentThread();
  SigAction& installed = thread->process->handlers->action(info.signo);
  SigAction action = installed;
  if (action.flags & SA_RESETHAND) {
    installed.handler = reinterpret_cast<uint64_t>(SIG_DFL);
  }
  RestartBeforeHandler(frame, action);
  SignalSet to_restore =
      thread->restore_blocked ? thread->saved_blocked : thread->blocked;
  if (PushSignalFrame(frame, action, info, to_restore) != 0) {
    return FailDelivery(info.signo);
  }
  thread->restore_blocked = false;
  frame->error_code = ~uint64_t{0};  // nothing to restart any more
  SignalSet blocked{thread->blocked.bits | action.mask.bits};
  if (!(action.flags & SA_NODEFER)) blocked.Add(info.signo);
  SetBlockedSignals(blocked);
}

// True when the process was stopped.
bool TakeDefaultAction(int signo) {
  Process* process = CurrentProcess();
  switch (DefaultActionOf(signo)) {
    case DefaultAction::kIgnore:
    case DefaultAction::kContinue:
      return false;
    case DefaultAction::kStop:
      // Nobody could continue an orphaned group (setpgid(2)).
      if (signo != SIGSTOP && IsOrphanedGroup(process->pgid)) return false;
      StopProcess(process, signo);
      return true;
    case DefaultAction::kTerminate:
    case DefaultAction::kCore:
      break;
  }
  // No core is written, so the status does not say so (wait(2), WCOREDUMP).
  ExitProcess(signo);
}

}  // namespace

bool NeedsSignalWork(Thread* thread, const TrapFrame& frame) {
  return HasDeliverableSignal(thread) || thread->restore_blocked ||
         RestartCode(frame) != 0;
}

void DeliverSignals(TrapFrame* frame) {
  Thread* thread = CurrentThread();
  SigInfo info;
  while (TakeSignal(SignalSet{~thread->blocked.bits}, &info)) {
    uint64_t handler = thread->process->handlers->action(info.signo).handler;
    if (handler == reinterpret_cast<uint64_t>(SIG_IGN)) continue;
    if (handler != reinterpret_cast<uint64_t>(SIG_DFL)) {
      return InvokeHandler(frame, info);
    }
    // A stopped thread comes back here when it is continued.
    if (TakeDefaultAction(info.signo)) return;
  }
  RestartWithoutHandler(frame);
  if (thread->restore_blocked) {
    thread->restore_blocked = false;
    SetBlockedSignals(thread->saved_blocked);
  }
}

void BeginTemporaryMask(SignalSet blocked) {
  Thread* thread = CurrentThread();
  thread->saved_blocked = thread->blocked;
  thread->restore_blocked = true;
  SetBlockedSignals(blocked);
}

void EndTemporaryMask(bool interrupted) {
  Thread* thread = CurrentThread();
  if (interrupted || !thread->restore_blocked) return;
  thread->restore_blocked = false;
  SetBlockedSignals(thread->saved_blocked);
}

}  // namespace gk
