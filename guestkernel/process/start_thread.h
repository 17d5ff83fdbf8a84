// SPDX-License-Identifier: Apache-2.0
//
// Threads that have something to do in the kernel before their first user
// instruction.
#ifndef CRVM_GUESTKERNEL_PROCESS_START_THREAD_H_
#define CRVM_GUESTKERNEL_PROCESS_START_THREAD_H_

#include "guestkernel/sched/thread.h"

namespace gk {

// Makes a new thread (Thread::Create) runnable: it runs work(argument) and then
// goes to user mode with its frame().
void StartThreadIn(Thread* thread, void (*work)(void*), void* argument);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_START_THREAD_H_
