// SPDX-License-Identifier: Apache-2.0
//
// Making and ending threads. Any thread, in the kernel.
#include "guestkernel/sched/thread.h"

#include "guestkernel/lib/heap.h"
#include "guestkernel/process/pid.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/kernel_stack.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/scheduler.h"
#include "guestkernel/sched/thread_start.h"

namespace gk {
namespace {

constexpr size_t kFpuAlignment = 64;  // SDM vol. 1, 13.4: XSAVE area

void UserThreadStart(void*) {
  FinishSwitch();
  ReturnToUser();
}

struct KernelThreadStart {
  void (*entry)(void*);
  void* argument;
};

void RunKernelThread(void* start_block) {
  FinishSwitch();
  auto* start = static_cast<KernelThreadStart*>(start_block);
  KernelThreadStart copy = *start;
  HeapFree(start);
  copy.entry(copy.argument);
  ExitCurrentThread();
}

// XSAVE areas want more alignment than the heap gives: the block's own address
// is kept just below the area.
void* AllocateFpuArea() {
  void* block = HeapAllocate(FpuAreaSize() + kFpuAlignment + sizeof(void*));
  if (!block) return nullptr;
  uint64_t area = reinterpret_cast<uint64_t>(block) + sizeof(void*);
  area = (area + kFpuAlignment - 1) & ~(kFpuAlignment - 1);
  reinterpret_cast<void**>(area)[-1] = block;
  FpuInit(reinterpret_cast<void*>(area));
  return reinterpret_cast<void*>(area);
}

void FreeFpuArea(void* area) {
  if (area) HeapFree(static_cast<void**>(area)[-1]);
}

}  // namespace

Result<RefPtr<Thread>> Thread::Create(Process* process) {
  RefPtr<Thread> thread = MakeRef<Thread>();
  if (!thread) return Error(-ENOMEM);
  GK_RETURN_IF_ERROR(ReserveTimers(1));
  thread->has_timer_reserved = true;
  thread->stack = AllocateKernelStack();
  if (!thread->stack) return Error(-ENOMEM);
  thread->saved_rsp = PrepareKernelStack(thread->stack, thread.get(),
                                         &UserThreadStart, nullptr);
  SetStackCanary(thread->stack);
  if (process) {
    thread->fpu = AllocateFpuArea();
    if (!thread->fpu) return Error(-ENOMEM);
    memset(thread->frame(), 0, sizeof(TrapFrame));
  }
  thread->start_ns = MonotonicNs();
  if (!process) return thread;
  thread->process = process;
  GK_ASSIGN_OR_RETURN(thread->tid, AllocatePid());
  SetPidThread(thread->tid, thread.get());
  return thread;
}

Thread::~Thread() {
  if (tid != 0) {
    SetPidThread(tid, nullptr);
    ReleasePid(tid);
  }
  if (has_timer_reserved) ReserveTimers(-1);
  FreeFpuArea(fpu);
  if (stack) FreeKernelStack(stack);
}

Result<RefPtr<Thread>> CreateKernelThread(const char* name,
                                          void (*entry)(void*),
                                          void* argument) {
  auto* start =
      static_cast<KernelThreadStart*>(HeapAllocate(sizeof(KernelThreadStart)));
  if (!start) return Error(-ENOMEM);
  *start = KernelThreadStart{entry, argument};
  Result<RefPtr<Thread>> thread = Thread::Create(nullptr);
  if (!thread.ok()) {
    HeapFree(start);
    return thread;
  }
  RefPtr<Thread>& made = *thread;
  Format(made->name, sizeof(made->name), "%s", name);
  made->saved_rsp =
      PrepareKernelStack(made->stack, made.get(), &RunKernelThread, start);
  SetStackCanary(made->stack);
  return thread;
}

void InterruptThread(Thread* thread, bool kill) {
  if (!thread->started) return;
  switch (thread->state) {
    case ThreadState::kBlocked:
      if (thread->interruptible || (kill && thread->killable)) {
        MakeRunnable(thread);
      }
      break;
    case ThreadState::kStopped:
      if (kill) MakeRunnable(thread);
      break;
    case ThreadState::kRunnable:  // looks at its signals before user mode
    case ThreadState::kDead:
      break;
  }
}

void RequestThreadExit(Thread* thread) {
  thread->exiting = true;
  InterruptThread(thread, true);
}

void ExitCurrentThread() {
  Thread* thread = CurrentThread();
  if (thread->tid != 0) SetPidThread(thread->tid, nullptr);
  ChargeCurrentThread();
  thread->state = ThreadState::kDead;
  Schedule();
  Panic("a dead thread was resumed");
}

}  // namespace gk
