// SPDX-License-Identifier: Apache-2.0
//
// See limits.h.
#include "guestkernel/mm/limits.h"

#include "guestkernel/sched/process.h"

namespace gk {

uint64_t ProcessLimit(MemoryLimit limit) {
  Process* process = CurrentProcess();
  return process ? process->limits[limit].soft : ~uint64_t{0};
}

bool MayLockMemory() {
  constexpr int kCapIpcLock = 14;
  return HasCapability(kCapIpcLock);
}

void CountFault(bool major) {
  Thread* thread = CurrentThread();
  if (!thread) return;
  ++(major ? thread->major_faults : thread->minor_faults);
}

}  // namespace gk
