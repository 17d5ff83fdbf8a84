// SPDX-License-Identifier: Apache-2.0
//
// Who waits on which futex. Any thread, in the kernel.
#include "guestkernel/lib/static_storage.h"
#include "guestkernel/sched/futex.h"
#include "guestkernel/sched/futex_internal.h"
#include "guestkernel/sched/process.h"

namespace gk {
namespace {

constexpr size_t kBuckets = 256;  // power of two

using Bucket = IntrusiveList<FutexWaiter, &FutexWaiter::link>;

struct FutexTable {
  Bucket buckets[kBuckets];
};
StaticStorage<FutexTable> table;
int pi_waiter_count = 0;

Bucket& BucketOf(FutexKey key) {
  uint64_t hash = (reinterpret_cast<uint64_t>(key.owner) >> 4) ^ key.offset;
  hash *= 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
  return table->buckets[hash >> 56];
}
static_assert(kBuckets == 1u << (64 - 56));

bool Same(FutexKey a, FutexKey b) {
  return a.owner == b.owner && a.offset == b.offset;
}

}  // namespace

void FutexInit() { table.Construct(); }

Result<FutexKey> GetFutexKey(UserAddress address, bool is_private) {
  if (address.value % sizeof(uint32_t) != 0) return Error(-EINVAL);
  if (address.value >= crvm::abi::kUserEnd) return Error(-EFAULT);
  AddressSpace* memory = CurrentProcess()->memory.get();
  // The same as what FutexKey gives for memory that is not shared.
  if (is_private) return FutexKey{memory, address.value};
  return memory->FutexKey(address.value);
}

void QueueFutexWaiter(FutexWaiter* waiter) {
  BucketOf(waiter->key).PushBack(waiter);
}

void MoveFutexWaiter(FutexWaiter* waiter, FutexKey key) {
  waiter->link.Unlink();
  waiter->key = key;
  QueueFutexWaiter(waiter);
}

void WakeFutexWaiter(FutexWaiter* waiter) {
  waiter->link.Unlink();
  waiter->woken = true;
  WakeThread(waiter->thread);
}

int BlockOnFutex(FutexWaiter* waiter, Deadline deadline) {
  waiter->thread->wait_reason = "futex";
  pi_waiter_count += waiter->is_pi;
  int error = 0;
  while (!waiter->woken && error == 0) {
    PrepareToBlock();
    error = Block(deadline);
  }
  pi_waiter_count -= waiter->is_pi;
  waiter->link.Unlink();
  return waiter->woken ? 0 : error;
}

FutexWaiter* FindFutexWaiter(FutexKey key, uint32_t bitset, bool is_pi) {
  for (FutexWaiter& waiter : BucketOf(key)) {
    if (Same(waiter.key, key) && (waiter.bitset & bitset) &&
        waiter.is_pi == is_pi) {
      return &waiter;
    }
  }
  return nullptr;
}

int WakeFutexKey(FutexKey key, uint32_t bitset, int count) {
  int woken = 0;
  for (FutexWaiter& waiter : BucketOf(key)) {
    if (!Same(waiter.key, key) || !(waiter.bitset & bitset) || waiter.is_pi) {
      continue;
    }
    WakeFutexWaiter(&waiter);
    if (++woken >= count) break;
  }
  return woken;
}

void WakePiWaitersOf(int owner_tid) {
  if (pi_waiter_count == 0) return;
  for (Bucket& bucket : table->buckets) {
    for (FutexWaiter& waiter : bucket) {
      if (!waiter.is_pi || waiter.owner_tid != owner_tid) continue;
      waiter.owner_died = true;
      WakeFutexWaiter(&waiter);
    }
  }
}

void SetPiOwner(FutexKey key, int owner_tid) {
  for (FutexWaiter& waiter : BucketOf(key)) {
    if (Same(waiter.key, key) && waiter.is_pi) waiter.owner_tid = owner_tid;
  }
}

void FutexWake(UserAddress address, int count) {
  Result<FutexKey> key = GetFutexKey(address, false);
  if (key.ok()) WakeFutexKey(*key, kFutexMatchAny, count);
}

}  // namespace gk
