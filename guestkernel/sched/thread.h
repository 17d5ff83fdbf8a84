// SPDX-License-Identifier: Apache-2.0
//
// A thread: what the scheduler runs. Lives from clone() until it has exited and
// was unlinked. Owner: sched.
#ifndef CRVM_GUESTKERNEL_SCHED_THREAD_H_
#define CRVM_GUESTKERNEL_SCHED_THREAD_H_

#include <cstdint>

#include "guestkernel/arch/arch.h"
#include "guestkernel/arch/user_copy.h"
#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

class Process;

enum class ThreadState : uint8_t {
  kRunnable,
  kBlocked,
  kStopped /*job control*/,
  kDead
};

// Restarting an interrupted call that must not simply run again (nanosleep,
// poll, futex with a relative timeout).
struct RestartBlock {
  int64_t (*restart)(RestartBlock& block) =
      nullptr;  // run by restart_syscall(2)
  uint64_t deadline_ns = 0;
  uint64_t args[6] = {};
};

struct Credentials {
  uint32_t uid, euid, suid, fsuid;
  uint32_t gid, egid, sgid, fsgid;
  uint64_t cap_permitted, cap_effective, cap_inheritable, cap_bounding,
      cap_ambient;
  uint32_t group_count;
  uint32_t groups[64];
};

class Thread : public RefCounted {
 public:
  // A thread of `process` with its own tid, kernel stack and FPU area (fresh);
  // not yet runnable, not yet in process->threads. Made runnable, it goes to
  // user mode with its frame(). Null `process`: a kernel thread, without tid;
  // see CreateKernelThread. -ENOMEM, -EAGAIN (no tid left).
  // From MakeRunnable to ExitCurrentThread the scheduler holds a reference.
  static Result<RefPtr<Thread>> Create(Process* process);
  ~Thread() override;

  int tid = 0;
  Process* process = nullptr;  // valid until the thread is unlinked from it
  ListLink process_link;       // Process::threads
  ListLink run_link;           // run queue
  bool started = false;        // was runnable once
  bool has_timer_reserved = false;  // for Block's timeout
  ThreadState state = ThreadState::kBlocked;
  void* stack = nullptr;              // kKernelStackSize
  uint64_t saved_rsp = 0;             // while not running
  uint64_t fs_base = 0, gs_base = 0;  // while not running
  void* fpu = nullptr;                // while not running
  TrapFrame* frame() const { return UserFrameOf(stack); }
  char name[16] = {};  // PR_SET_NAME

  // waiting
  bool woken = false;
  bool interruptible = false;  // a signal may end the current wait
  bool killable = false;       // so may the thread's end
  RestartBlock restart_block;
  const char* wait_reason =
      nullptr;  // static text, for /proc/PID/wchan and debugging

  // signals
  SignalSet blocked;
  SignalSet sigwait_set;  // rt_sigtimedwait: these end the wait, blocked or not
  SignalSet saved_blocked;  // to restore after sigsuspend/ppoll/pselect when
                            // `restore_blocked`
  bool restore_blocked = false;
  PendingSignals pending;
  uint64_t alt_stack_base = 0, alt_stack_size = 0;
  uint32_t alt_stack_flags = 2;  // SS_DISABLE
  // exit_group or exec in another thread: leave at the next chance. Set by
  // RequestThreadExit.
  bool exiting = false;

  // Linux odds and ends
  Credentials credentials = {};
  UserAddress clear_child_tid;
  UserAddress robust_list;
  uint64_t robust_list_size = 0;
  int parent_death_signal = 0;
  WaitQueue* vfork_done = nullptr;  // woken at exec or exit of a vfork child
  bool vfork_released = false;
  bool no_new_privileges = false;
  int8_t nice = 0;
  int policy = 0;             // SCHED_*, as set; all run alike
  int realtime_priority = 0;  // for sched_getparam
  bool reset_on_fork = false;
  uint64_t cpu_mask = ~0ull;

  // accounting (ns)
  uint64_t user_ns = 0, system_ns = 0;  // see sched/cpu_time.h
  uint64_t virtual_ns = 0;              // see sched/run_queue.h
  uint64_t start_ns = 0;
  uint64_t voluntary_switches = 0, involuntary_switches = 0, minor_faults = 0,
           major_faults = 0;
};

// ---- scheduler (sched/scheduler.cc, sched/user_return.cc)
void MakeRunnable(Thread* thread);
// Gives up the CPU; returns when this thread is chosen again. The caller has
// set its state.
void Schedule();
void Yield();
bool NeedReschedule();
void SetNeedReschedule();
// Ends a wait that a signal may end; the thread looks at its signals. With
// `kill`, also waits that only the thread's end may end, and job-control stops.
void InterruptThread(Thread* thread, bool kill);
// Makes another thread leave by ExitThread at the next chance.
void RequestThreadExit(Thread* thread);
// Last step of exit: never comes back; the stack is freed by whoever runs next.
// The thread is out of process->threads already.
[[noreturn]] void ExitCurrentThread();
// Called by the entry code on every way out to user mode: events, rescheduling,
// signals.
extern "C" void PrepareUserReturn(TrapFrame* frame);
void HandleEvents(uint32_t events);  // timers, devices, pause, resumed
// Kernel threads (init's reaper, writeback): runs entry(argument) on its own
// stack; ends when it returns. No process, no user registers. Not yet runnable.
Result<RefPtr<Thread>> CreateKernelThread(const char* name,
                                          void (*entry)(void*), void* argument);

Thread* FindThread(int tid);  // null when none; not referenced (process/pid.cc)

// Registers a hook for kEventDevice / kEventResumed (drivers, caches). Up to 16
// each.
using EventHook = void (*)();
void AddDeviceEventHook(EventHook hook);
void AddResumedHook(EventHook hook);
void AddPauseHook(
    EventHook hook);  // before the safe point that a snapshot is taken at

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_THREAD_H_
