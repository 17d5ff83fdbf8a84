// SPDX-License-Identifier: Apache-2.0
//
// The scheduler: on each vCPU the thread with the least virtual time. A blocked
// thread that nobody takes over from idles on its own stack, so waking it up
// again costs no switch. Runs on any thread, in the kernel.
#include "guestkernel/sched/scheduler.h"

#include <utility>

#include "guestkernel/lib/static_storage.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/cpu_timer.h"
#include "guestkernel/sched/futex.h"
#include "guestkernel/sched/kernel_stack.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/thread_start.h"

namespace gk {
namespace {

StaticStorage<Cpu> cpus[crvm::abi::kMaxVcpus];

// The slice of whoever runs now may be over: the timer is not moved at
// switches.
void OnSliceTimer(Timer*) {
  Cpu& cpu = ThisCpu();
  if (cpu.run_queue.empty()) return;
  if (MonotonicNs() >= cpu.slice_end_ns) {
    cpu.need_reschedule = true;
  } else {
    ArmSliceTimer(cpu);
  }
}

// Until there is a runnable thread. Runs on the stack of the thread that gave
// up the CPU (perhaps for ever).
Thread* NextRunnable(Cpu& cpu) {
  if (cpu.run_queue.empty()) ChargeCurrentThread();
  while (cpu.run_queue.empty()) {
    if (uint32_t events = TakePendingEvents()) {
      HandleEvents(events);
      continue;
    }
    RunTimers();
    if (!cpu.run_queue.empty()) break;
    ArmVmmTimer();
    Idle();
    ChargeIdle();
  }
  return cpu.run_queue.TakeFirst();
}

void SaveUserState(Thread* thread) {
  if (!thread->fpu || thread->state == ThreadState::kDead) return;
  thread->fs_base = ReadFsBase();
  thread->gs_base = ReadGsBase();
  FpuSave(thread->fpu);
}

// A kernel thread has none, and leaves that of the last user thread in place.
void LoadUserState(Thread* thread) {
  if (!thread->fpu) return;
  if (thread->process->memory) thread->process->memory->Activate();
  WriteFsBase(thread->fs_base);
  WriteGsBase(thread->gs_base);
  FpuRestore(thread->fpu);
  SetKernelStackOf(thread->stack);
}

void BeginSlice(Cpu& cpu) {
  cpu.need_reschedule = false;
  cpu.slice_end_ns = MonotonicNs() + kTimeSliceNs;
}

void SwitchTo(Cpu& cpu, Thread* previous, Thread* next) {
  ++cpu.switches;
  SaveUserState(previous);
  LoadUserState(next);
  if (previous->state == ThreadState::kDead) cpu.dead = previous;
  SwitchStack(&previous->saved_rsp, next->saved_rsp);
  FinishSwitch();
}

}  // namespace

Cpu::Cpu() : slice_timer(&OnSliceTimer) {}

Cpu& ThisCpu() { return *cpus[ThisVcpu().index]; }

void SchedulerInit() {
  for (auto& cpu : cpus) cpu.Construct();
  CpuTimersInit();
  FutexInit();
  TimersInit();  // last: when all is made anew, the others disarm theirs first
}

void ArmSliceTimer(Cpu& cpu) {
  if (cpu.slice_timer.armed()) return;
  // Without memory for it, threads share less fairly.
  (void)cpu.slice_timer.Arm(cpu.slice_end_ns);
}

void FinishSwitch() {
  Cpu& cpu = ThisCpu();
  if (Thread* dead = std::exchange(cpu.dead, nullptr)) dead->Release();
}

void MakeRunnable(Thread* thread) {
  GK_ASSERT(thread->state != ThreadState::kDead);
  if (thread->started && thread->state == ThreadState::kRunnable) return;
  thread->state = ThreadState::kRunnable;
  Cpu& cpu = ThisCpu();
  // Null on the boot stack; not kRunnable when it idles.
  Thread* current = CurrentThread();
  bool is_running = current && current->state == ThreadState::kRunnable;
  if (is_running) ChargeCurrentThread();
  if (!thread->started) {
    thread->started = true;
    thread->AddRef();  // given up in FinishSwitch after its exit
    cpu.run_queue.AddNew(thread, is_running ? current : nullptr);
    return;
  }
  cpu.run_queue.AddWoken(thread);
  if (is_running && RunQueue::Preempts(*thread, *current)) {
    cpu.need_reschedule = true;
  }
}

void Schedule() {
  Cpu& cpu = ThisCpu();
  Thread* previous = CurrentThread();
  GK_ASSERT(StackIsIntact(previous->stack));
  bool voluntary = previous->state != ThreadState::kRunnable;
  Thread* next = NextRunnable(cpu);
  ChargeCurrentThread();
  BeginSlice(cpu);
  ++(voluntary ? previous->voluntary_switches : previous->involuntary_switches);
  if (next == previous) return;
  SwitchTo(cpu, previous, next);
}

void Yield() {
  Cpu& cpu = ThisCpu();
  if (cpu.run_queue.empty()) {
    cpu.need_reschedule = false;
    return;
  }
  ChargeCurrentThread();
  cpu.run_queue.AddLast(CurrentThread());
  Schedule();
}

void Reschedule() {
  Cpu& cpu = ThisCpu();
  ChargeCurrentThread();
  if (!cpu.run_queue.FirstPrecedes(*CurrentThread())) {
    BeginSlice(cpu);
    return;
  }
  cpu.run_queue.Add(CurrentThread());
  Schedule();
}

bool NeedReschedule() { return ThisCpu().need_reschedule; }
void SetNeedReschedule() { ThisCpu().need_reschedule = true; }

void StartScheduler() {
  Cpu& cpu = ThisCpu();
  Thread* next = cpu.run_queue.TakeFirst();
  GK_ASSERT(next);
  RestartAccount();
  BeginSlice(cpu);
  LoadUserState(next);
  uint64_t boot_rsp;  // nobody comes back
  SwitchStack(&boot_rsp, next->saved_rsp);
  Panic("the boot stack was resumed");
}

}  // namespace gk
