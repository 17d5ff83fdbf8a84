// SPDX-License-Identifier: Apache-2.0
//
// Resource usage of processes, as getrusage(2), wait4(2) and times(2) tell it.
#ifndef CRVM_GUESTKERNEL_PROCESS_USAGE_H_
#define CRVM_GUESTKERNEL_PROCESS_USAGE_H_

#include "guestkernel/sched/process.h"

namespace gk {

struct TimeVal {  // struct timeval of the ABI
  int64_t seconds, microseconds;
};

struct RUsage {  // struct rusage of the ABI
  TimeVal user_time, system_time;
  int64_t max_resident_kib, shared, unshared_data, unshared_stack;
  int64_t minor_faults, major_faults, swaps, blocks_in, blocks_out;
  int64_t messages_sent, messages_received, signals;
  int64_t voluntary_switches, involuntary_switches;
};
static_assert(sizeof(RUsage) == 144);

ResourceUsage ThreadUsage(Thread* thread);
// Live and dead threads; of a zombie too.
ResourceUsage ProcessUsage(Process* process);
// Sums, but the largest for the resident size.
void AddUsage(const ResourceUsage& from, ResourceUsage* to);
RUsage ToRUsage(const ResourceUsage& usage);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_USAGE_H_
