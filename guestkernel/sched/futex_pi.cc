// SPDX-License-Identifier: Apache-2.0
//
// Futexes with an owner (FUTEX_LOCK_PI). The lock is handed over to the waiter
// that has waited longest; there are no priorities to inherit. Any thread.
#include "guestkernel/sched/futex_internal.h"
#include "guestkernel/sched/process.h"

namespace gk {
namespace {

bool HasWaiters(FutexKey key) {
  return FindFutexWaiter(key, kFutexMatchAny, true) != nullptr;
}

// Stores `desired` if the word still is `expected`. 0, -EAGAIN, -EFAULT.
int Replace(UserAddress at, uint32_t expected, uint32_t desired) {
  GK_ASSIGN_OR_RETURN(uint32_t old,
                      UserCompareExchange32(at, expected, desired));
  return old == expected ? 0 : -EAGAIN;
}

// The current thread becomes the owner.
int Take(UserAddress address, FutexKey key, uint32_t word, bool owner_died) {
  uint32_t taken = static_cast<uint32_t>(CurrentThread()->tid);
  taken |= word & kFutexOwnerDied;
  if (owner_died) taken |= kFutexOwnerDied;
  if (HasWaiters(key)) taken |= kFutexWaiters;
  return Replace(address, word, taken);
}

// Queues behind the owner. 0: handed over; -EAGAIN: look again.
int WaitForOwner(UserAddress address, FutexKey key, uint32_t word,
                 Deadline deadline, bool* owner_died) {
  int owner = static_cast<int>(word & kFutexTidMask);
  if (!FindThread(owner)) return -ESRCH;
  if (!(word & kFutexWaiters)) {
    GK_RETURN_IF_ERROR(Replace(address, word, word | kFutexWaiters));
  }
  FutexWaiter waiter{.key = key,
                     .bitset = kFutexMatchAny,
                     .thread = CurrentThread(),
                     .is_pi = true,
                     .owner_tid = owner};
  QueueFutexWaiter(&waiter);
  int error = BlockOnFutex(&waiter, deadline);
  // A lock is not given up for a signal: handlers run, then it goes on.
  if (error == -kErestartSys) return -kErestartNoIntr;
  *owner_died = waiter.owner_died;
  return error == 0 && waiter.owner_died ? -EAGAIN : error;
}

}  // namespace

int64_t FutexLockPi(UserAddress address, FutexKey key, Deadline deadline,
                    bool try_only) {
  bool owner_died = false;
  for (;;) {
    GK_ASSIGN_OR_RETURN(uint32_t word, UserLoad32(address));
    uint32_t owner = word & kFutexTidMask;
    int error;
    if (owner == static_cast<uint32_t>(CurrentThread()->tid)) {
      return -EDEADLK;
    } else if (owner == 0 ||
               (owner_died && !FindThread(static_cast<int>(owner)))) {
      error = Take(address, key, word, owner_died);
    } else if (try_only) {
      return -EAGAIN;
    } else {
      error = WaitForOwner(address, key, word, deadline, &owner_died);
    }
    if (error != -EAGAIN) return error;
  }
}

int64_t FutexUnlockPi(UserAddress address, FutexKey key) {
  for (;;) {
    GK_ASSIGN_OR_RETURN(uint32_t word, UserLoad32(address));
    uint32_t self = static_cast<uint32_t>(CurrentThread()->tid);
    if ((word & kFutexTidMask) != self) return -EPERM;
    FutexWaiter* next = FindFutexWaiter(key, kFutexMatchAny, true);
    if (!next) {
      int error = Replace(address, word, 0);
      if (error != -EAGAIN) return error;
      continue;
    }
    int next_tid = next->thread->tid;
    int error =
        Replace(address, word, static_cast<uint32_t>(next_tid) | kFutexWaiters);
    if (error == -EAGAIN) continue;
    if (error != 0) return error;
    WakeFutexWaiter(next);
    SetPiOwner(key, next_tid);
    return 0;
  }
}

}  // namespace gk
