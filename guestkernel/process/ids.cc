// SPDX-License-Identifier: Apache-2.0
//
// Process, group and session ids: getpid(2), setpgid(2), setsid(2).
#include "guestkernel/process/process.h"
#include "guestkernel/process/syscalls.h"

namespace gk {
namespace {

bool GroupExists(int pgid) {
  for (Process* p = FirstProcess(); p; p = NextProcess(p))
    if (p->pgid == pgid) return true;
  return false;
}

// The process that setpgid's `pid` names, if the caller may move it.
Result<Process*> MovableProcess(Process* self, int pid) {
  Process* process = pid == 0 ? self : FindProcess(pid);
  if (!process) return Error(-ESRCH);
  if (process != self) {
    if (process->parent != self) return Error(-ESRCH);
    if (process->sid != self->sid) return Error(-EPERM);
    if (process->executed) return Error(-EACCES);
  }
  if (process->sid == process->pid) return Error(-EPERM);
  return process;
}

}  // namespace

int64_t SysGetpid(const SyscallArgs&) { return CurrentProcess()->pid; }
int64_t SysGettid(const SyscallArgs&) { return CurrentThread()->tid; }

int64_t SysGetppid(const SyscallArgs&) {
  Process* parent = CurrentProcess()->parent;
  return parent ? parent->pid : 0;
}

int64_t SysGetpgid(const SyscallArgs& args) {
  int pid = args.Int(0);
  Process* process = pid == 0 ? CurrentProcess() : FindProcess(pid);
  return process ? process->pgid : -ESRCH;
}

int64_t SysGetpgrp(const SyscallArgs&) { return CurrentProcess()->pgid; }

int64_t SysSetpgid(const SyscallArgs& args) {
  int pgid = args.Int(1);
  if (pgid < 0) return -EINVAL;
  Process* self = CurrentProcess();
  auto process = MovableProcess(self, args.Int(0));
  if (!process.ok()) return process.error();
  if (pgid == 0) pgid = (*process)->pid;
  if (pgid != (*process)->pid && !ProcessGroupExists(pgid, self->sid))
    return -EPERM;
  SetProcessGroup(*process, pgid);
  return 0;
}

int64_t SysGetsid(const SyscallArgs& args) {
  int pid = args.Int(0);
  Process* process = pid == 0 ? CurrentProcess() : FindProcess(pid);
  return process ? process->sid : -ESRCH;
}

int64_t SysSetsid(const SyscallArgs&) {
  Process* process = CurrentProcess();
  // Also a group that this process once led and has left.
  if (process->sid == process->pid || GroupExists(process->pid)) return -EPERM;
  LeaveTty(process);
  SetSession(process, process->pid);
  SetProcessGroup(process, process->pid);
  return process->sid;
}

}  // namespace gk
