// SPDX-License-Identifier: Apache-2.0
//
// The end of threads and processes, and who is told (exit.cc, notify.cc).
// ExitProcess and ExitThread are in sched/process.h.
#ifndef CRVM_GUESTKERNEL_PROCESS_EXIT_H_
#define CRVM_GUESTKERNEL_PROCESS_EXIT_H_

#include "guestkernel/sched/process.h"

namespace gk {

// Lets the parent of a vfork child go on, once.
void ReleaseVforkParent(Thread* thread);

// SIGCHLD's si_code (uapi/asm-generic/siginfo.h).
enum class ChildCode : int {
  kExited = 1,
  kKilled = 2,
  kDumped = 3,
  kStopped = 5,
  kContinued = 6,
};

// The siginfo that tells of `child`, as signal and waitid give it.
SigInfo ChildSigInfo(Process* child, ChildCode code, int status);
// Of a zombie.
SigInfo ExitSigInfo(Process* child);

// Tells the parent that `child` has become a zombie. True: nobody will wait for
// it (init's child, SIGCHLD ignored, SA_NOCLDWAIT), the caller reaps it.
bool NotifyParentOfExit(Process* child);

// Gives the children of a dead process to a subreaper or init.
void ReparentChildren(Process* process);
// SIGHUP and SIGCONT to group `pgid` if it has become orphaned and has stopped
// members (setpgid(2), POSIX "orphaned process group"). `leaving` no longer
// counts; may be null.
void HangUpOrphanedGroup(int pgid, int sid, Process* leaving);
// Whether any process of the group has its parent in another group of the same
// session.
bool GroupIsOrphaned(int pgid, Process* leaving);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_EXIT_H_
