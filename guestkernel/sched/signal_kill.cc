// SPDX-License-Identifier: Apache-2.0
//
// System calls that send signals: kill(2), tgkill(2), rt_sigqueueinfo(2). Run
// by the sender.
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/syscalls.h"

namespace gk {
namespace {

// si_code, include/uapi/asm-generic/siginfo.h.
constexpr int kSiUser = 0;
constexpr int kSiTkill = -6;

bool IsValid(int signo) { return signo >= 0 && signo <= kSignalCount; }

// kill(2) takes the tid of any thread for its process.
Process* FindTarget(int pid) {
  if (Process* process = FindProcess(pid)) return process;
  Thread* thread = FindThread(pid);
  return thread ? thread->process : nullptr;
}

int SendToProcess(Process* process, int signo, const SigInfo& info) {
  if (!MaySignal(process, signo)) return -EPERM;
  return SendSignalToProcess(process, signo, &info);
}

// Success when one of them got it.
int SendToGroup(int pgid, int signo, const SigInfo& info) {
  int result = -ESRCH;
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    if (p->pgid != pgid || p == InitProcess()) continue;
    int error = SendToProcess(p, signo, info);
    if (error == 0 || result == -ESRCH) result = error;
  }
  return result;
}

int SendToAll(int signo, const SigInfo& info) {
  int result = -ESRCH;
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    if (p == InitProcess() || p == CurrentProcess()) continue;
    int error = SendToProcess(p, signo, info);
    if (error != -EPERM) result = error;
    if (result == -ESRCH) result = 0;  // as Linux: somebody was there
  }
  return result;
}

// `tgid` 0: whichever process the thread is in.
int SendToThread(int tgid, int tid, int signo, const SigInfo& info) {
  Thread* thread = FindThread(tid);
  if (!thread || !thread->process) return -ESRCH;
  if (tgid != 0 && thread->process->pid != tgid) return -ESRCH;
  if (!MaySignal(thread->process, signo)) return -EPERM;
  return SendSignalToThread(thread, signo, &info);
}

// A siginfo from the program. It may not claim to come from the kernel, or from
// kill(), except to itself.
Result<SigInfo> ReadSigInfo(UserAddress from, int signo, int target) {
  GK_ASSIGN_OR_RETURN(SigInfo info, ReadUser<SigInfo>(from));
  info.signo = signo;
  bool forged = info.code >= 0 || info.code == kSiTkill;
  if (forged && target != CurrentProcess()->pid) return Error(-EPERM);
  return info;
}

}  // namespace

// kill(pid, signo)
int64_t SysKill(const SyscallArgs& args) {
  int pid = args.Int(0), signo = args.Int(1);
  if (!IsValid(signo)) return -EINVAL;
  SigInfo info = UserSigInfo(signo, kSiUser);
  if (pid == -1) return SendToAll(signo, info);
  if (pid == INT32_MIN) return -ESRCH;
  if (pid < 0) return SendToGroup(-pid, signo, info);
  if (pid == 0) return SendToGroup(CurrentProcess()->pgid, signo, info);
  Process* process = FindTarget(pid);
  return process ? SendToProcess(process, signo, info) : -ESRCH;
}

// tkill(tid, signo)
int64_t SysTkill(const SyscallArgs& args) {
  int tid = args.Int(0), signo = args.Int(1);
  if (tid <= 0 || !IsValid(signo)) return -EINVAL;
  return SendToThread(0, tid, signo, UserSigInfo(signo, kSiTkill));
}

// tgkill(tgid, tid, signo)
int64_t SysTgkill(const SyscallArgs& args) {
  int tgid = args.Int(0), tid = args.Int(1), signo = args.Int(2);
  if (tgid <= 0 || tid <= 0 || !IsValid(signo)) return -EINVAL;
  return SendToThread(tgid, tid, signo, UserSigInfo(signo, kSiTkill));
}

// rt_sigqueueinfo(tgid, signo, info)
int64_t SysRtSigqueueinfo(const SyscallArgs& args) {
  int tgid = args.Int(0), signo = args.Int(1);
  GK_ASSIGN_OR_RETURN(SigInfo info, ReadSigInfo(args.User(2), signo, tgid));
  if (!IsValid(signo)) return -EINVAL;
  Process* process = FindTarget(tgid);
  return process ? SendToProcess(process, signo, info) : -ESRCH;
}

// rt_tgsigqueueinfo(tgid, tid, signo, info)
int64_t SysRtTgsigqueueinfo(const SyscallArgs& args) {
  int tgid = args.Int(0), tid = args.Int(1), signo = args.Int(2);
  if (tgid <= 0 || tid <= 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(SigInfo info, ReadSigInfo(args.User(3), signo, tgid));
  if (!IsValid(signo)) return -EINVAL;
  return SendToThread(tgid, tid, signo, info);
}

}  // namespace gk
