// SPDX-License-Identifier: Apache-2.0
//
// Telling parents: SIGCHLD, waking their waits, orphans and orphaned groups.
#include "guestkernel/process/exit.h"
#include "guestkernel/process/process.h"

namespace gk {
namespace {

constexpr uint64_t kSaNoCldWait = 2;
constexpr uint64_t kHandlerIgnore = 1;
constexpr uint64_t kNsPerTick = 10000000;

Process* ReaperFor(Process* process) {
  for (Process* p = process->parent; p; p = p->parent)
    if (p->child_subreaper && p->state != ProcessState::kZombie) return p;
  return InitProcess();
}

void SendDeathSignals(Process* child) {
  for (Thread& thread : child->threads) {
    if (thread.parent_death_signal == 0) continue;
    SigInfo info = KernelSigInfo(thread.parent_death_signal);
    SendSignalToProcess(child, thread.parent_death_signal, &info);
  }
}

bool HasStoppedMember(int pgid) {
  for (Process* p = FirstProcess(); p; p = NextProcess(p))
    if (p->pgid == pgid && p->state == ProcessState::kStopped) return true;
  return false;
}

}  // namespace

SigInfo ChildSigInfo(Process* child, ChildCode code, int status) {
  SigInfo info = {};
  info.signo = kSigChild;
  info.code = static_cast<int>(code);
  info.child.pid = child->pid;
  info.child.uid = UserIdOf(child);
  info.child.status = status;
  info.child.utime = child->dead_threads_usage.user_ns / kNsPerTick;
  info.child.stime = child->dead_threads_usage.system_ns / kNsPerTick;
  return info;
}

SigInfo ExitSigInfo(Process* child) {
  int status = child->exit_status;
  if (int signo = status & 0x7f) {
    return ChildSigInfo(
        child, status & 0x80 ? ChildCode::kDumped : ChildCode::kKilled, signo);
  }
  return ChildSigInfo(child, ChildCode::kExited, status >> 8 & 0xff);
}

bool NotifyParentOfExit(Process* child) {
  Process* parent = child->parent;
  if (parent == InitProcess() || !parent->handlers) return true;
  bool reap = false;
  bool send = child->exit_signal != 0;
  if (child->exit_signal == kSigChild) {
    const SigAction& action = parent->handlers->action(kSigChild);
    bool ignored = action.handler == kHandlerIgnore;
    reap = ignored || (action.flags & kSaNoCldWait);
    if (ignored) send = false;
  }
  if (send) {
    SigInfo info = ExitSigInfo(child);
    info.signo = child->exit_signal;
    SendSignalToProcess(parent, child->exit_signal, &info);
  }
  // Also when it is reaped: the last child may be what a wait was waiting for.
  parent->child_events.WakeAll();
  return reap;
}

void ReparentChildren(Process* process) {
  Process* reaper = ReaperFor(process);
  while (Process* child = process->children.PopFront()) {
    bool was_in_other_group = child->pgid != process->pgid;
    child->parent = reaper;
    reaper->children.PushBack(child);
    child->exit_signal = kSigChild;
    if (child->state == ProcessState::kZombie) {
      if (NotifyParentOfExit(child)) ReapProcess(child);
      continue;
    }
    SendDeathSignals(child);
    if (was_in_other_group && child->sid == process->sid)
      HangUpOrphanedGroup(child->pgid, child->sid, nullptr);
  }
}

bool GroupIsOrphaned(int pgid, Process* leaving) {
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    if (p->pgid != pgid || p == leaving) continue;
    if (p->state == ProcessState::kZombie) continue;
    // The shell that started crvm looks after the main program's group.
    if (p == MainProcess()) return false;
    Process* parent = p->parent;
    if (!parent || parent == InitProcess()) continue;
    if (parent->pgid != pgid && parent->sid == p->sid) return false;
  }
  return true;
}

bool IsOrphanedGroup(int pgid) { return GroupIsOrphaned(pgid, nullptr); }

void HangUpOrphanedGroup(int pgid, int sid, Process* leaving) {
  (void)sid;
  if (!GroupIsOrphaned(pgid, leaving) || !HasStoppedMember(pgid)) return;
  SigInfo hangup = KernelSigInfo(kSigHup), go_on = KernelSigInfo(kSigCont);
  SendSignalToGroup(pgid, kSigHup, &hangup);
  SendSignalToGroup(pgid, kSigCont, &go_on);
}

}  // namespace gk
