// SPDX-License-Identifier: Apache-2.0
//
// The account of processor time. Any thread, in the kernel.
#include "guestkernel/sched/cpu_time.h"

#include "guestkernel/sched/process.h"
#include "guestkernel/sched/scheduler.h"

namespace gk {
namespace {

// What the running thread has used since the last charge.
CpuTime Uncharged() {
  Cpu& cpu = ThisCpu();
  uint64_t now = MonotonicNs();
  CpuTime time;
  // A restored clock may be behind.
  if (now <= cpu.charged_until_ns) return time;
  (cpu.in_user_mode ? time.user_ns : time.system_ns) =
      now - cpu.charged_until_ns;
  return time;
}

}  // namespace

void AccountKernelEntry() { ChargeCurrentThread(); }

uint64_t ChargeCurrentThread() {
  Cpu& cpu = ThisCpu();
  Thread* thread = CurrentThread();
  uint64_t now = MonotonicNs();
  if (now > cpu.charged_until_ns) {
    (cpu.in_user_mode ? thread->user_ns : thread->system_ns) +=
        now - cpu.charged_until_ns;
  }
  cpu.charged_until_ns = now;
  cpu.in_user_mode = false;
  return now;
}

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
