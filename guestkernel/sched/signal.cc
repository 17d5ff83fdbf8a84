// SPDX-License-Identifier: Apache-2.0
//
// Pending signals and dispositions. Any thread, in the kernel.
#include "guestkernel/sched/signal.h"

#include <asm/signal.h>

#include "guestkernel/lib/string.h"
#include "guestkernel/sched/posix_timer.h"
#include "guestkernel/sched/process.h"

namespace gk {
namespace {

// Delivered before others, so that a fault's handler sees the fault's frame.
constexpr SignalSet kSynchronous = {
    SignalSet::Bit(SIGSEGV) | SignalSet::Bit(SIGBUS) | SignalSet::Bit(SIGILL) |
    SignalSet::Bit(SIGTRAP) | SignalSet::Bit(SIGFPE) | SignalSet::Bit(SIGSYS)};

uint64_t queued_count = 0;  // entries allocated here, of all processes

int MostUrgent(SignalSet set) {
  if (set.Has(SIGKILL)) return SIGKILL;
  uint64_t first = set.bits & kSynchronous.bits;
  return __builtin_ctzll(first != 0 ? first : set.bits) + 1;
}

bool IsRealTime(int signo) { return signo >= SIGRTMIN; }

}  // namespace

PendingSignals::~PendingSignals() { Discard(SignalSet{~uint64_t{0}}); }

int PendingSignals::Add(const SigInfo& info, uint64_t limit) {
  if (!IsRealTime(info.signo)) {
    if (set_.Has(info.signo)) return 0;
    set_.Add(info.signo);
  } else if (queued_count >= limit) {
    return -EAGAIN;
  }
  auto* entry = new (std::nothrow) QueuedSignal;
  if (!entry) return IsRealTime(info.signo) ? -EAGAIN : 0;
  ++queued_count;
  entry->info = info;
  queue_.PushBack(entry);
  set_.Add(info.signo);
  return 0;
}

void PendingSignals::AddEntry(QueuedSignal* entry) {
  if (!IsRealTime(entry->info.signo) && set_.Has(entry->info.signo)) {
    // As for any standard signal: once is enough.
    entry->timer->OnSignalRemoved(nullptr);
    return;
  }
  queue_.PushBack(entry);
  set_.Add(entry->info.signo);
}

void PendingSignals::Remove(QueuedSignal* entry, SigInfo* info) {
  entry->link.Unlink();
  if (info) *info = entry->info;
  if (entry->timer) {
    entry->timer->OnSignalRemoved(info);
  } else {
    --queued_count;
    delete entry;
  }
}

bool PendingSignals::Take(SignalSet wanted, SigInfo* info) {
  SignalSet candidates{set_.bits & wanted.bits};
  if (candidates.empty()) return false;
  int signo = MostUrgent(candidates);
  QueuedSignal* found = nullptr;
  bool more = false;
  for (QueuedSignal& entry : queue_) {
    if (entry.info.signo != signo) continue;
    if (found) {
      more = true;
      break;
    }
    found = &entry;
  }
  if (!more) set_.Remove(signo);
  if (found) {
    Remove(found, info);
  } else {  // there was no memory for its info
    *info = SigInfo{};
    info->signo = signo;
  }
  return true;
}

void PendingSignals::Discard(SignalSet which) {
  if ((set_.bits & which.bits) == 0) return;
  set_.bits &= ~which.bits;
  for (QueuedSignal& entry : queue_) {
    if (which.Has(entry.info.signo)) Remove(&entry, nullptr);
  }
}

void PendingSignals::Withdraw(QueuedSignal* withdrawn) {
  bool was_here = false, more = false;
  for (QueuedSignal& entry : queue_) {
    if (&entry == withdrawn) {
      was_here = true;
    } else if (entry.info.signo == withdrawn->info.signo) {
      more = true;
    }
  }
  if (!was_here) return;
  withdrawn->link.Unlink();
  if (!more) set_.Remove(withdrawn->info.signo);
}

RefPtr<SignalHandlers> SignalHandlers::Clone() const {
  RefPtr<SignalHandlers> copy = MakeRef<SignalHandlers>();
  if (copy) memcpy(copy->actions, actions, sizeof(actions));
  return copy;
}

void SignalHandlers::ResetForExec() {
  for (SigAction& action : actions) {
    uint64_t ignore = reinterpret_cast<uint64_t>(SIG_IGN);
    uint64_t handler = action.handler == ignore ? ignore : 0;
    action = SigAction{handler, 0, 0, {}};
  }
}

DefaultAction DefaultActionOf(int signo) {
  switch (signo) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
      return DefaultAction::kIgnore;
    case SIGCONT:
      return DefaultAction::kContinue;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return DefaultAction::kStop;
    case SIGQUIT:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGSEGV:
    case SIGXCPU:
    case SIGXFSZ:
    case SIGSYS:
      return DefaultAction::kCore;
    default:
      return DefaultAction::kTerminate;
  }
}

bool IsIgnored(Process* process, int signo) {
  if (signo == SIGKILL || signo == SIGSTOP) return false;
  uint64_t handler = process->handlers->action(signo).handler;
  if (handler == reinterpret_cast<uint64_t>(SIG_IGN)) return true;
  if (handler != reinterpret_cast<uint64_t>(SIG_DFL)) return false;
  DefaultAction action = DefaultActionOf(signo);
  return action == DefaultAction::kIgnore || action == DefaultAction::kContinue;
}

SigInfo KernelSigInfo(int signo) {
  constexpr int kSiKernel = 0x80;
  SigInfo info = {};
  info.signo = signo;
  info.code = kSiKernel;
  return info;
}

SigInfo UserSigInfo(int signo, int code) {
  SigInfo info = {};
  info.signo = signo;
  info.code = code;
  info.kill.pid = CurrentProcess()->pid;
  info.kill.uid = CurrentThread()->credentials.uid;
  return info;
}

bool IsBeingKilled(Thread* thread) {
  return thread->exiting || thread->pending.set().Has(SIGKILL) ||
         (thread->process && thread->process->pending.set().Has(SIGKILL));
}

bool HasDeliverableSignal(Thread* thread) {
  if (thread->exiting) return true;
  if (!thread->process) return false;  // a kernel thread
  uint64_t pending =
      thread->pending.set().bits | thread->process->pending.set().bits;
  return (pending & (~thread->blocked.bits | thread->sigwait_set.bits)) != 0;
}

bool TakeSignal(SignalSet wanted, SigInfo* info) {
  Thread* thread = CurrentThread();
  return thread->pending.Take(wanted, info) ||
         thread->process->pending.Take(wanted, info);
}

}  // namespace gk
