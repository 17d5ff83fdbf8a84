// SPDX-License-Identifier: Apache-2.0
//
// What the files of process/ share about the process table. Others use
// sched/process.h. Used under the big kernel lock.
#ifndef CRVM_GUESTKERNEL_PROCESS_PROCESS_H_
#define CRVM_GUESTKERNEL_PROCESS_PROCESS_H_

#include "guestkernel/sched/process.h"

namespace gk {

inline constexpr int kInitPid = 1;
inline constexpr int kMainPid = 2;

inline constexpr int kSigHup = 1, kSigKill = 9, kSigChild = 17, kSigCont = 18,
                     kSigStop = 19;

// Process::limits (asm-generic/resource.h).
enum LimitIndex : int {
  kLimitCpu = 0,
  kLimitData = 2,
  kLimitStack = 3,
  kLimitCore = 4,
  kLimitProcesses = 6,
  kLimitFiles = 7,
};

// Puts a process whose pid, pgid and sid are set (and allocated) into the
// table and under `parent`; the table holds one reference until ReapProcess.
void EnterProcess(RefPtr<Process> process, Process* parent);
// Removes a zombie from the table: its number may be used again. The object
// stays while it is referenced, and at least until the next FreeReaped.
void ReapProcess(Process* process);
// Drops the table's references to reaped processes. Not to be called on the
// stack of a thread that has left its process.
void FreeReaped();
// Links a new thread into its process / unlinks one that is about to end.
void AttachThread(Process* process, Thread* thread);
void DetachThread(Thread* thread);

void SetProcessGroup(Process* process, int pgid);
void SetSession(Process* process, int sid);

// Makes all threads of `process` but `except` leave at the next chance.
void KillOtherThreads(Process* process, Thread* except);

// The controlling terminal (process_tty.cc): what a child gets; what a process
// gives up, with a hangup of the session if it was its leader.
void InheritTty(Process* from, Process* to);
void LeaveTty(Process* process);
// Waits until the VMM's terminal has everything that was written to it.
void DrainConsole();

// Number of threads whose real user id is `uid` (RLIMIT_NPROC).
size_t CountThreadsOfUser(uint32_t uid);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_PROCESS_H_
