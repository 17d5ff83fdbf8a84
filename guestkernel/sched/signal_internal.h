// SPDX-License-Identifier: Apache-2.0
//
// What the signal code and the timers of sched/ share. Private to sched/.
#ifndef CRVM_GUESTKERNEL_SCHED_SIGNAL_INTERNAL_H_
#define CRVM_GUESTKERNEL_SCHED_SIGNAL_INTERNAL_H_

#include "guestkernel/sched/signal.h"

namespace gk {

// Queues a POSIX timer's own entry. False when the signal is ignored or nobody
// is there to get it: the entry is not queued.
bool SendTimerSignal(Process* process, Thread* target, QueuedSignal* entry);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_SIGNAL_INTERNAL_H_
