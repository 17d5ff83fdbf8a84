// SPDX-License-Identifier: Apache-2.0
//
// The scheduler: round robin on each vCPU. A blocked thread that nobody takes
// over from idles on its own stack, so waking it up again costs no switch. Runs
// on any thread, in the kernel.
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
  return cpu.run_queue.PopFront();
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

// A nice step is worth about a quarter of the time (setpriority(2)), but slices
// stay long against what a switch costs, and short against a human's patience.
uint64_t SliceOf(const Thread& thread) {
  constexpr uint64_t kShortest = 500'000, kLongest = 100'000'000;
  uint64_t slice = kTimeSliceNs;
  for (int nice = thread.nice; nice > 0 && slice > kShortest; --nice) {
    slice = slice * 4 / 5;
  }
  for (int nice = thread.nice; nice < 0 && slice < kLongest; ++nice) {
    slice = slice * 5 / 4;
  }
  return slice;
}

void BeginSlice(Cpu& cpu, const Thread& next) {
  cpu.need_reschedule = false;
  cpu.slice_end_ns = MonotonicNs() + SliceOf(next);
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
  if (!thread->started) {
    thread->started = true;
    thread->AddRef();  // given up in FinishSwitch after its exit
  } else if (thread->state == ThreadState::kRunnable) {
    return;
  }
  thread->state = ThreadState::kRunnable;
  ThisCpu().run_queue.PushBack(thread);
}

void Schedule() {
  Cpu& cpu = ThisCpu();
  Thread* previous = CurrentThread();
  GK_ASSERT(StackIsIntact(previous->stack));
  bool voluntary = previous->state != ThreadState::kRunnable;
  Thread* next = NextRunnable(cpu);
  ChargeCurrentThread();
  BeginSlice(cpu, *next);
  if (next == previous) return;
  ++(voluntary ? previous->voluntary_switches : previous->involuntary_switches);
  SwitchTo(cpu, previous, next);
}

void Yield() {
  Cpu& cpu = ThisCpu();
  if (cpu.run_queue.empty()) {
    cpu.need_reschedule = false;
    return;
  }
  cpu.run_queue.PushBack(CurrentThread());
  Schedule();
}

bool NeedReschedule() { return ThisCpu().need_reschedule; }
void SetNeedReschedule() { ThisCpu().need_reschedule = true; }

void StartScheduler() {
  Cpu& cpu = ThisCpu();
  Thread* next = cpu.run_queue.PopFront();
  GK_ASSERT(next);
  RestartAccount();
  BeginSlice(cpu, *next);
  LoadUserState(next);
  uint64_t boot_rsp;  // nobody comes back
  SwitchStack(&boot_rsp, next->saved_rsp);
  Panic("the boot stack was resumed");
}

}  // namespace gk
