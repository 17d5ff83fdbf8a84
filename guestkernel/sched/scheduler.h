// SPDX-License-Identifier: Apache-2.0
//
// What each vCPU has: its run queue, its slice, its time account. Private to
// sched/, except for the functions at the end.
#ifndef CRVM_GUESTKERNEL_SCHED_SCHEDULER_H_
#define CRVM_GUESTKERNEL_SCHED_SCHEDULER_H_

#include <cstdint>

#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/run_queue.h"
#include "guestkernel/sched/thread.h"

namespace gk {

// A thread runs this long before it is looked whether another should.
inline constexpr uint64_t kTimeSliceNs = 10'000'000;

class Cpu {
 public:
  Cpu();

  // Runnable threads, without the one that runs.
  RunQueue run_queue;
  bool need_reschedule = false;
  uint64_t slice_end_ns = 0;
  // Armed only while somebody waits in the run queue, and left armed across
  // switches: arming costs an exit.
  Timer slice_timer;
  // The thread that has just exited, to be freed by the next one.
  Thread* dead = nullptr;
  // Where the time since the last charge goes, and when that was (TSC).
  uint64_t charged_until_tsc = 0;
  bool in_user_mode = false;
  uint64_t idle_ns = 0;
  uint64_t switches = 0;
};

Cpu& ThisCpu();

// need_reschedule: gives way to those that have used less time.
void Reschedule();
// Lets threads that are runnable on this vCPU have a slice timer.
void ArmSliceTimer(Cpu& cpu);

// ---- for the boot path
// Constructs the scheduler, timers and futex tables; before any other call to
// sched/, after FrameAllocatorInit.
void SchedulerInit();
// Leaves the boot stack for the first runnable thread.
[[noreturn]] void StartScheduler();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_SCHEDULER_H_
