// SPDX-License-Identifier: Apache-2.0
//
// Who runs next: the runnable thread with the least virtual time, which is the
// processor time that a thread has used, weighted by its nice value. A thread
// that has slept may be a little behind the others, never far: so it runs soon,
// and cannot save up time. Private to sched/.
#ifndef CRVM_GUESTKERNEL_SCHED_RUN_QUEUE_H_
#define CRVM_GUESTKERNEL_SCHED_RUN_QUEUE_H_

#include <cstdint>

#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/sched/thread.h"

namespace gk {

// `ns` of processor time in virtual time. A nice step is worth a quarter
// (setpriority(2): about 10% of the processor).
uint64_t VirtualTime(uint64_t ns, int nice);

class RunQueue {
 public:
  bool empty() const { return threads_.empty(); }
  // By virtual time, behind its equals.
  void Add(Thread* thread);
  // The same for a thread that has slept or is new.
  void AddWoken(Thread* thread);
  void AddNew(Thread* thread, const Thread* creator);
  // Behind all.
  void AddLast(Thread* thread);
  // Null when empty.
  Thread* TakeFirst();
  // Whether the first should run rather than `running`, whose slice is over.
  bool FirstPrecedes(const Thread& running) const;
  // Whether `woken` should run at once, and not only at the end of the slice.
  static bool Preempts(const Thread& woken, const Thread& running);

 private:
  IntrusiveList<Thread, &Thread::run_link> threads_;
  // Of the thread taken last; never decreases.
  uint64_t floor_ns_ = 0;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_RUN_QUEUE_H_
