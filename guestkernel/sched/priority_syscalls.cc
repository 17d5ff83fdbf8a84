// SPDX-License-Identifier: Apache-2.0
//
// getpriority(2) and setpriority(2). The nice value weights the time that a
// thread uses (run_queue.h). Any thread.
#include "guestkernel/sched/priority.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/syscalls.h"

namespace gk {
namespace {

constexpr int kPrioProcess = 0, kPrioGroup = 1, kPrioUser = 2;

// Calls visit(thread) for every thread that `which` and `who` name.
template <typename Visit>
void ForEachTarget(int which, int who, Visit visit) {
  if (which == kPrioProcess) {
    Thread* thread = who == 0 ? CurrentThread() : FindThread(who);
    if (thread && thread->process) visit(*thread);
    return;
  }
  if (which == kPrioGroup && who == 0) who = CurrentProcess()->pgid;
  uint32_t uid =
      who == 0 ? CurrentThread()->credentials.uid : static_cast<uint32_t>(who);
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    if (which == kPrioGroup && p->pgid != who) continue;
    for (Thread& thread : p->threads) {
      if (which == kPrioUser && thread.credentials.uid != uid) continue;
      visit(thread);
    }
  }
}

bool IsValid(int which) { return which >= kPrioProcess && which <= kPrioUser; }

int SetNice(Thread& target, int nice) {
  const Credentials& own = CurrentThread()->credentials;
  if (own.euid != target.credentials.uid &&
      own.euid != target.credentials.euid && !HasCapability(kCapSysNice)) {
    return -EPERM;
  }
  if (!MaySetNice(target, nice)) return -EACCES;
  target.nice = static_cast<int8_t>(nice);
  return 0;
}

}  // namespace

// getpriority(which, who): 20 - nice, so that it is positive.
int64_t SysGetpriority(const SyscallArgs& args) {
  if (!IsValid(args.Int(0))) return -EINVAL;
  int64_t best = -ESRCH;
  ForEachTarget(args.Int(0), args.Int(1), [&](Thread& thread) {
    if (20 - thread.nice > best) best = 20 - thread.nice;
  });
  return best;
}

// setpriority(which, who, nice)
int64_t SysSetpriority(const SyscallArgs& args) {
  if (!IsValid(args.Int(0))) return -EINVAL;
  int nice = args.Int(2);
  nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
  int result = -ESRCH;
  ForEachTarget(args.Int(0), args.Int(1), [&](Thread& thread) {
    int error = SetNice(thread, nice);
    if (error != 0 || result == -ESRCH) result = error;
  });
  return result;
}

}  // namespace gk
