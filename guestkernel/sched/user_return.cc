// SPDX-License-Identifier: Apache-2.0
//
// The way out of the kernel, and the VMM's events. PrepareUserReturn runs on
// the thread that is about to go on in user mode; HandleEvents also in the idle
// loop, on the stack of whatever thread ran last.
#include "guestkernel/arch/arch.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/cpu_timer.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/scheduler.h"
#include "guestkernel/sched/signal.h"

namespace gk {
namespace {

constexpr int kMaxHooks = 16;

struct HookList {
  EventHook hooks[kMaxHooks];
  int count;

  void Add(EventHook hook) {
    GK_ASSERT(count < kMaxHooks);
    hooks[count++] = hook;
  }
  void Run() const {
    for (int i = 0; i < count; ++i) hooks[i]();
  }
};

HookList device_hooks, resumed_hooks, pause_hooks;

bool EventsPending() {
  return __atomic_load_n(&ThisVcpu().pending, __ATOMIC_RELAXED) != 0;
}

// Job control: sleeps until SIGCONT or the thread's end.
void StopHere(Thread* thread) {
  thread->state = ThreadState::kStopped;
  Schedule();
}

// One thing that is due before user mode; false when nothing is.
bool DoPendingWork(Cpu& cpu, Thread* thread, TrapFrame* frame) {
  if (EventsPending()) {
    HandleEvents(TakePendingEvents());
  } else if (cpu.need_reschedule) {
    Reschedule();
  } else if (thread->exiting) {
    ExitThread(0);
  } else if (thread->process->state == ProcessState::kStopped &&
             !IsBeingKilled(thread)) {
    StopHere(thread);
  } else if (NeedsSignalWork(thread, *frame)) {
    DeliverSignals(frame);
  } else {
    return false;
  }
  return true;
}

}  // namespace

void AddDeviceEventHook(EventHook hook) { device_hooks.Add(hook); }
void AddResumedHook(EventHook hook) { resumed_hooks.Add(hook); }
void AddPauseHook(EventHook hook) { pause_hooks.Add(hook); }

void HandleEvents(uint32_t events) {
  if (events & crvm::abi::kEventResumed) {
    RestartAccount();
    OnClockChanged();
    resumed_hooks.Run();
    RunTimers();
  }
  if (events & crvm::abi::kEventTimer) OnVmmTimerFired();
  if (events & crvm::abi::kEventDevice) device_hooks.Run();
  // Last, so that the snapshot has the effects of the others.
  if (events & crvm::abi::kEventPause) {
    pause_hooks.Run();
    RingDoorbell(crvm::abi::Doorbell::kSafePoint, 0);
  }
}

extern "C" void PrepareUserReturn(TrapFrame* frame) {
  Cpu& cpu = ThisCpu();
  Thread* thread = CurrentThread();
  for (;;) {
    if (CpuTimersArmed()) RunCpuTimers();
    while (DoPendingWork(cpu, thread, frame)) {
    }
    if (cpu.run_queue.empty()) break;
    if (MonotonicNs() < cpu.slice_end_ns) {
      ArmSliceTimer(cpu);
      break;
    }
    cpu.need_reschedule = true;
  }
  ArmVmmTimer();
  ChargeCurrentThread();
  cpu.in_user_mode = true;
}

}  // namespace gk
