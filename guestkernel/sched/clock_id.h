// SPDX-License-Identifier: Apache-2.0
//
// What a clockid_t means (clock_getres(2)).
#ifndef CRVM_GUESTKERNEL_SCHED_CLOCK_ID_H_
#define CRVM_GUESTKERNEL_SCHED_CLOCK_ID_H_

#include <cstdint>

#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/cpu_timer.h"
#include "guestkernel/sched/process.h"

namespace gk {

struct ClockId {
  enum class Kind { kSystem, kProcess, kThread } kind = Kind::kSystem;
  ClockBase base = ClockBase::kMonotonic;  // kSystem
  bool has_timers = true;                  // false: only to be read
  RefPtr<Process> process;                 // kProcess, kThread
  RefPtr<Thread> thread;                   // kThread
  CpuClockKind cpu_kind = CpuClockKind::kUserAndSystem;

  uint64_t Now() const;
};

// -EINVAL: there is no such clock.
Result<ClockId> ParseClockId(int id);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_CLOCK_ID_H_
