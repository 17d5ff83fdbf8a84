// SPDX-License-Identifier: Apache-2.0
//
// The account of processor time. Any thread, in the kernel.
#include "guestkernel/sched/cpu_time.h"

#include "guestkernel/arch/arch.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/run_queue.h"
#include "guestkernel/sched/scheduler.h"

namespace gk {
namespace {

// Nanoseconds since the last charge.
uint64_t SinceLastCharge(uint64_t tsc) {
  // Another core's TSC may be behind by a little.
  uint64_t start = ThisCpu().charged_until_tsc;
  return tsc > start ? TicksToNs(tsc - start) : 0;
}

// What the running thread has used since then.
CpuTime Uncharged() {
  CpuTime time;
  (ThisCpu().in_user_mode ? time.user_ns : time.system_ns) =
      SinceLastCharge(ReadTsc());
  return time;
}

}  // namespace

void AccountKernelEntry() { ChargeCurrentThread(); }

void ChargeCurrentThread() {
  Cpu& cpu = ThisCpu();
  Thread* thread = CurrentThread();
  uint64_t tsc = ReadTsc();
  uint64_t ns = SinceLastCharge(tsc);
  (cpu.in_user_mode ? thread->user_ns : thread->system_ns) += ns;
  thread->virtual_ns += VirtualTime(ns, thread->nice);
  cpu.charged_until_tsc = tsc;
  cpu.in_user_mode = false;
}

void ChargeIdle() {
  Cpu& cpu = ThisCpu();
  uint64_t tsc = ReadTsc();
  cpu.idle_ns += SinceLastCharge(tsc);
  cpu.charged_until_tsc = tsc;
}

void RestartAccount() { ThisCpu().charged_until_tsc = ReadTsc(); }

CpuTime ThreadCpuTime(Thread* thread) {
  CpuTime time;
  if (thread == CurrentThread()) time = Uncharged();
  time.user_ns += thread->user_ns;
  time.system_ns += thread->system_ns;
  return time;
}

CpuTime ProcessCpuTime(Process* process) {
  CpuTime total{process->dead_threads_usage.user_ns,
                process->dead_threads_usage.system_ns};
  for (Thread& thread : process->threads) {
    CpuTime time = ThreadCpuTime(&thread);
    total.user_ns += time.user_ns;
    total.system_ns += time.system_ns;
  }
  return total;
}

uint64_t IdleNs() { return ThisCpu().idle_ns; }
uint64_t ContextSwitchCount() { return ThisCpu().switches; }

}  // namespace gk
