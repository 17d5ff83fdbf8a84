// SPDX-License-Identifier: Apache-2.0
//
// Controlling terminals and job control (credentials(7), termios(3); POSIX.1
// chapter 11.1).
#include <asm/signal.h>

#include "guestkernel/lib/errno.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/tty/tty.h"

namespace gk {

namespace {
constexpr int kCapSysAdmin = 21;
constexpr uint64_t kSignalIgnored = 1;
bool IsSessionLeader(const Process* process) {
  return process->pid == process->sid;
}
}  // namespace

int Tty::Opened(uint32_t open_flags) {
  if (hung_up_) return -EIO;
  Process* process = CurrentProcess();
  if (exclusive_ && !HasCapability(kCapSysAdmin)) return -EBUSY;
  ++open_count_;
  const bool may_acquire = !(open_flags & kOpenNoCtty) &&
                           (open_flags & kOpenAccessMask) != kOpenWriteOnly;
  if (may_acquire && process && IsSessionLeader(process) && !process->tty &&
      session_ == 0) {
    (void)Acquire(process, false);
  }
  return 0;
}

int Tty::Acquire(Process* leader, bool steal) {
  if (IsSessionLeader(leader) && session_ == leader->sid &&
      leader->tty == this) {
    return 0;
  }
  if (!IsSessionLeader(leader) || leader->tty) return -EPERM;
  if (session_ != 0) {
    if (!steal || !HasCapability(kCapSysAdmin)) return -EPERM;
    DropSession();
  }
  session_ = leader->sid;
  foreground_group_ = leader->pgid;
  leader->tty = RefPtr<Tty>(this);
  return 0;
}

void Tty::DropSession() {
  RefPtr<Tty> keep(this);  // the processes may hold the last references
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    if (p->sid == session_ && p->tty == this) p->tty.reset();
  }
  session_ = 0;
  foreground_group_ = 0;
}

void Tty::SignalForeground(int signo) {
  if (foreground_group_ > 0) {
    SendSignalToGroup(foreground_group_, signo, nullptr);
  }
}

bool Tty::IsControllingTerminal() const {
  return CurrentProcess()->tty == this;
}

int Tty::CheckBackground(int signo) {
  Process* process = CurrentProcess();
  if (process->tty != this || foreground_group_ == 0 ||
      process->pgid == foreground_group_) {
    return 0;
  }
  const bool deaf = CurrentThread()->blocked.Has(signo) ||
                    process->handlers->action(signo).handler == kSignalIgnored;
  if (deaf) return signo == SIGTTIN ? -EIO : 0;
  if (IsOrphanedGroup(process->pgid)) return -EIO;
  SendSignalToGroup(process->pgid, signo, nullptr);
  return -kErestartSys;
}

void Tty::Hangup() {
  if (hung_up_) return;
  RefPtr<Tty> keep(this);
  hung_up_ = true;
  discipline_.FlushInput();
  DiscardOutput();
  Process* leader = session_ != 0 ? FindProcess(session_) : nullptr;
  if (leader && leader->tty == this) {
    SendSignalToProcess(leader, SIGHUP, nullptr);
    SendSignalToProcess(leader, SIGCONT, nullptr);
  }
  if (!leader || leader->pgid != foreground_group_) {
    SignalForeground(SIGHUP);
    SignalForeground(SIGCONT);
  }
  if (session_ != 0) DropSession();
  read_queue_.WakeAll();
  write_queue_.WakeAll();
}

void Tty::SetWindowSize(const WindowSize& size) {
  if (size == window_size_) return;
  window_size_ = size;
  SignalForeground(SIGWINCH);
}

void TtyHangupSession(Process* leader) {
  RefPtr<Tty> tty = leader->tty;
  if (!tty || !IsSessionLeader(leader)) return;
  tty->SignalForeground(SIGHUP);
  tty->SignalForeground(SIGCONT);
  tty->DropSession();
}

}  // namespace gk
