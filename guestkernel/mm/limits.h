// SPDX-License-Identifier: Apache-2.0
//
// What mm asks and tells the current process. limits.cc answers for the current
// process; hosted tests answer themselves (testing/fake_memory.cc).
#ifndef CRVM_GUESTKERNEL_MM_LIMITS_H_
#define CRVM_GUESTKERNEL_MM_LIMITS_H_

#include <cstdint>

namespace gk {

// RLIMIT_* numbers, asm-generic/resource.h.
enum MemoryLimit : int {
  kLimitData = 2,
  kLimitStack = 3,
  kLimitMemlock = 8,
  kLimitAddressSpace = 9,
};

// The current process's soft limit; ~0 when there is none, or no process.
uint64_t ProcessLimit(MemoryLimit limit);
// May the current process lock memory beyond RLIMIT_MEMLOCK (CAP_IPC_LOCK)?
bool MayLockMemory();
// Adds to the current thread's fault counts.
void CountFault(bool major);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_LIMITS_H_
