// SPDX-License-Identifier: Apache-2.0
//
// Sending signals: who gets them, who is woken. Any thread, in the kernel, and
// timers and device events on whatever thread is current.
#include <asm/signal.h>

#include "guestkernel/fs/poll.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/signal_internal.h"

namespace gk {
namespace {

constexpr SignalSet kStopSignals = {
    SignalSet::Bit(SIGSTOP) | SignalSet::Bit(SIGTSTP) |
    SignalSet::Bit(SIGTTIN) | SignalSet::Bit(SIGTTOU)};
constexpr SignalSet kContinueSignal = {SignalSet::Bit(SIGCONT)};
constexpr int kLimitSigPending = 11;  // RLIMIT_SIGPENDING

void DiscardEverywhere(Process* process, SignalSet which) {
  process->pending.Discard(which);
  for (Thread& thread : process->threads) thread.pending.Discard(which);
}

// Stop and continue signals cancel each other; SIGCONT acts when it is sent,
// whatever becomes of it afterwards.
void ApplyJobControl(Process* process, int signo) {
  if (kStopSignals.Has(signo)) {
    DiscardEverywhere(process, kContinueSignal);
  } else if (signo == SIGCONT) {
    DiscardEverywhere(process, kStopSignals);
    ContinueProcess(process);
  }
}

bool WantsSignal(const Thread& thread, int signo) {
  return !thread.exiting &&
         (!thread.blocked.Has(signo) || thread.sigwait_set.Has(signo));
}

// Who is to handle a signal of the process: the leader if it can, otherwise
// preferably a thread that has nothing else to handle. Null: all block it.
Thread* ChooseThread(Process* process, int signo) {
  Thread* chosen = nullptr;
  for (Thread& thread : process->threads) {
    if (!WantsSignal(thread, signo)) continue;
    if (thread.tid == process->pid) return &thread;
    if (thread.pending.set().empty()) return &thread;
    chosen = &thread;
  }
  return chosen;
}

void WakeForSignal(Process* process, Thread* target, int signo) {
  process->handlers->arrivals.WakeAll(kPollIn);
  if (signo == SIGKILL) {
    // The first that comes out of the kernel takes the others along.
    for (Thread& thread : process->threads) InterruptThread(&thread, true);
    return;
  }
  if (!target) target = ChooseThread(process, signo);
  if (target && WantsSignal(*target, signo)) InterruptThread(target, false);
}

// False: sending it has no further effect.
bool Prepare(Process* process, Thread* target, int signo) {
  if (signo == 0 || process == InitProcess()) return false;
  if (process->state == ProcessState::kZombie ||
      process->state == ProcessState::kReaped || !process->handlers) {
    return false;
  }
  ApplyJobControl(process, signo);
  if (!target) target = process->threads.front();
  if (!target) return false;
  // A blocked one stays pending: its disposition may change.
  return target->blocked.Has(signo) || !IsIgnored(process, signo);
}

int Send(Process* process, Thread* target, int signo, const SigInfo* info) {
  if (signo < 0 || signo > kSignalCount) return -EINVAL;
  if (!Prepare(process, target, signo)) return 0;
  PendingSignals& pending = target ? target->pending : process->pending;
  SigInfo copy = info ? *info : KernelSigInfo(signo);
  copy.signo = signo;
  uint64_t limit = process->limits[kLimitSigPending].soft;
  GK_RETURN_IF_ERROR(pending.Add(copy, limit));
  WakeForSignal(process, target, signo);
  return 0;
}

}  // namespace

int SendSignalToThread(Thread* thread, int signo, const SigInfo* info) {
  if (!thread->process || thread->state == ThreadState::kDead) return 0;
  return Send(thread->process, thread, signo, info);
}

int SendSignalToProcess(Process* process, int signo, const SigInfo* info) {
  return Send(process, nullptr, signo, info);
}

void SendSignalToGroup(int pgid, int signo, const SigInfo* info) {
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    if (p->pgid == pgid) (void)Send(p, nullptr, signo, info);
  }
}

bool SendTimerSignal(Process* process, Thread* target, QueuedSignal* entry) {
  int signo = entry->info.signo;
  if (target && (!target->process || target->state == ThreadState::kDead)) {
    return false;
  }
  if (!Prepare(process, target, signo)) return false;
  (target ? target->pending : process->pending).AddEntry(entry);
  WakeForSignal(process, target, signo);
  return true;
}

void ForceSignal(int signo, const SigInfo& info) {
  Thread* thread = CurrentThread();
  SigAction& action = thread->process->handlers->action(signo);
  bool blocked = thread->blocked.Has(signo);
  if (blocked || IsIgnored(thread->process, signo)) {
    action.handler = reinterpret_cast<uint64_t>(SIG_DFL);
    thread->blocked.Remove(signo);
  }
  (void)thread->pending.Add(info);
}

void SetBlockedSignals(SignalSet blocked) {
  Thread* thread = CurrentThread();
  blocked.Remove(SIGKILL);
  blocked.Remove(SIGSTOP);
  SignalSet added{blocked.bits & ~thread->blocked.bits};
  thread->blocked = blocked;
  if ((added.bits & thread->process->pending.set().bits) != 0) {
    HandOverSignals(thread);
  }
}

void HandOverSignals(Thread* leaving) {
  Process* process = leaving->process;
  SignalSet pending = process->pending.set();
  for (int signo = 1; signo <= kSignalCount; ++signo) {
    if (!pending.Has(signo)) continue;
    for (Thread& other : process->threads) {
      if (&other == leaving || !WantsSignal(other, signo)) continue;
      InterruptThread(&other, false);
      break;
    }
  }
}

}  // namespace gk
