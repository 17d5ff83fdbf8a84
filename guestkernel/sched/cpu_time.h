// SPDX-License-Identifier: Apache-2.0
//
// Processor time: who used it, and in which mode. Charged where the kernel is
// entered from user mode and where it is left, and at thread switches.
#ifndef CRVM_GUESTKERNEL_SCHED_CPU_TIME_H_
#define CRVM_GUESTKERNEL_SCHED_CPU_TIME_H_

#include <cstdint>

namespace gk {

class Process;
class Thread;

// Called first by system calls and traps that come from user mode.
void AccountKernelEntry();
// Charges the current thread for the time up to now (system time, or user time
// if AccountKernelEntry was not called).
void ChargeCurrentThread();
// The time up to now was idle.
void ChargeIdle();
// From now on; the TSC may have jumped.
void RestartAccount();

// Up to this moment, also for the thread that is running.
struct CpuTime {
  uint64_t user_ns = 0;
  uint64_t system_ns = 0;
  uint64_t total_ns() const { return user_ns + system_ns; }
};
CpuTime ThreadCpuTime(Thread* thread);
// Live and dead threads.
CpuTime ProcessCpuTime(Process* process);
// Nobody ran, since boot.
uint64_t IdleNs();
// Thread switches since boot.
uint64_t ContextSwitchCount();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_CPU_TIME_H_
