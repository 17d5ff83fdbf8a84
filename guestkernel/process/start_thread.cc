// SPDX-License-Identifier: Apache-2.0
//
// See start_thread.h.
#include "guestkernel/process/start_thread.h"

#include "guestkernel/sched/kernel_stack.h"
#include "guestkernel/sched/thread_start.h"

namespace gk {
namespace {

// Where the work is kept until the thread runs: below its frame nothing is
// used yet, but PrepareKernelStack's words; so it goes to the other end.
struct Work {
  void (*run)(void*);
  void* argument;
};
// Behind the Thread* and the canary.
constexpr size_t kWorkOffset = 64;

Work* WorkOf(Thread* thread) {
  return reinterpret_cast<Work*>(static_cast<char*>(thread->stack) +
                                 kWorkOffset);
}

void Begin(void* thread) {
  FinishSwitch();
  Work work = *WorkOf(static_cast<Thread*>(thread));
  work.run(work.argument);
  ReturnToUser();
}

}  // namespace

void StartThreadIn(Thread* thread, void (*work)(void*), void* argument) {
  *WorkOf(thread) = Work{work, argument};
  thread->saved_rsp = PrepareKernelStack(thread->stack, thread, &Begin, thread);
  SetStackCanary(thread->stack);
  MakeRunnable(thread);
}

}  // namespace gk
