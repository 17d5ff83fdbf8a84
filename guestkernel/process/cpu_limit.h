// SPDX-License-Identifier: Apache-2.0
//
// RLIMIT_CPU: SIGXCPU at the soft limit and every second after, SIGKILL at the
// hard one (getrlimit(2)).
#ifndef CRVM_GUESTKERNEL_PROCESS_CPU_LIMIT_H_
#define CRVM_GUESTKERNEL_PROCESS_CPU_LIMIT_H_

#include "guestkernel/sched/process.h"

namespace gk {

// Call when the process is new or its limit has changed. 0 or -ENOMEM.
int WatchCpuLimit(Process* process);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_CPU_LIMIT_H_
