// SPDX-License-Identifier: Apache-2.0
//
// The numbers of threads, processes, groups and sessions: one space, counted
// references, so that a number is not given out again while anything still goes
// by it (credentials(7)). Used under the big kernel lock.
//
// Thread::Create (sched) takes its tid with AllocatePid and announces itself
// with SetPidThread; Thread::~Thread withdraws with SetPidThread(tid, null) and
// ReleasePid(tid), when its tid is not 0. Processes, groups and sessions hold
// references of their own. FindThread and FindProcess look up here (pid.cc).
#ifndef CRVM_GUESTKERNEL_PROCESS_PID_H_
#define CRVM_GUESTKERNEL_PROCESS_PID_H_

#include "guestkernel/lib/result.h"

namespace gk {

class Process;
class Thread;

// Linux's PID_MAX_LIMIT, and the number from which the search starts again
// after the last one (RESERVED_PIDS, proc(5) pid_max).
inline constexpr int kPidMax = 4194304;
inline constexpr int kPidWrapTo = 300;

// The next free number after the last one given out, with one reference.
// -EAGAIN: none left; -ENOMEM.
Result<int> AllocatePid();
void HoldPid(int number);
void ReleasePid(int number);

void SetPidThread(int number, Thread* thread);
void SetPidProcess(int number, Process* process);

// The number that AllocatePid tries next (/proc/loadavg, tests).
void SetNextPid(int number);
int LastPid();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_PID_H_
