// SPDX-License-Identifier: Apache-2.0
//
// The table of futex waiters. Private to the futex files of sched/.
#ifndef CRVM_GUESTKERNEL_SCHED_FUTEX_INTERNAL_H_
#define CRVM_GUESTKERNEL_SCHED_FUTEX_INTERNAL_H_

#include <cstdint>

#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/sched/thread.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

// The word of a robust or PI futex (linux/futex.h).
inline constexpr uint32_t kFutexWaiters = 0x80000000;
inline constexpr uint32_t kFutexOwnerDied = 0x40000000;
inline constexpr uint32_t kFutexTidMask = 0x3fffffff;
inline constexpr uint32_t kFutexMatchAny = ~0u;

using FutexKey = AddressSpace::PageKey;

// On the waiting thread's stack.
struct FutexWaiter {
  ListLink link{};
  FutexKey key;
  uint32_t bitset;
  Thread* thread;
  bool woken = false;
  // Priority inheritance only.
  bool is_pi = false;
  int owner_tid = 0;        // as this waiter saw it
  bool owner_died = false;  // why it was woken
};

// Identifies the futex at `address` in the current address space. `is_private`:
// the caller promises that nobody else maps it. -EINVAL (alignment), -EFAULT.
Result<FutexKey> GetFutexKey(UserAddress address, bool is_private);

// Puts the current thread's waiter into the table; it leaves when it is woken
// or destroyed.
void QueueFutexWaiter(FutexWaiter* waiter);
void MoveFutexWaiter(FutexWaiter* waiter, FutexKey key);
void WakeFutexWaiter(FutexWaiter* waiter);
// Until it is woken: 0, -ETIMEDOUT, -kErestartSys.
int BlockOnFutex(FutexWaiter* waiter, Deadline deadline);
// The first one on `key` that may be woken by `bitset` and is (not) PI. Null
// when none.
FutexWaiter* FindFutexWaiter(FutexKey key, uint32_t bitset, bool is_pi);
// Wakes up to `count` plain waiters; how many.
int WakeFutexKey(FutexKey key, uint32_t bitset, int count);
// Wakes every PI waiter that waits for this owner, who has died.
void WakePiWaitersOf(int owner_tid);
// PI waiters on `key` have a new owner to wait for.
void SetPiOwner(FutexKey key, int owner_tid);

// futex_pi.cc
int64_t FutexLockPi(UserAddress address, FutexKey key, Deadline deadline,
                    bool try_only);
int64_t FutexUnlockPi(UserAddress address, FutexKey key);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_FUTEX_INTERNAL_H_
