// SPDX-License-Identifier: Apache-2.0
//
// Futexes: what other subsystems need of them. The calls are in futex.cc.
#ifndef CRVM_GUESTKERNEL_SCHED_FUTEX_H_
#define CRVM_GUESTKERNEL_SCHED_FUTEX_H_

#include "guestkernel/arch/user_copy.h"

namespace gk {

class Thread;

void FutexInit();

// For the current thread, when it exits or execs, while its memory is still
// there: marks its robust futexes (get_robust_list(2)), clears and wakes
// clear_child_tid.
void FutexExit(Thread* thread);

// Wakes up to `count` waiters on a futex of the current process.
void FutexWake(UserAddress address, int count);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_FUTEX_H_
