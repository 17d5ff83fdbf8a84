// SPDX-License-Identifier: Apache-2.0
//
// futex_waitv(2): waits on several futexes at once. Any thread.
#include "guestkernel/sched/futex_internal.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/syscalls.h"

namespace gk {
namespace {

constexpr uint64_t kMaxFutexes = 128;  // FUTEX_WAITV_MAX
constexpr uint32_t kSize32 = 2;        // FUTEX2_SIZE_U32, the only size
constexpr uint32_t kPrivate = 128;
constexpr int kClockRealtime = 0, kClockMonotonic = 1;

struct FutexSpec {  // struct futex_waitv of the ABI
  uint64_t expected;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};
static_assert(sizeof(FutexSpec) == 24);

// Too large for a kernel stack.
struct WaiterSet {
  FutexWaiter waiters[kMaxFutexes] = {};
  size_t count = 0;

  // -1 when none is.
  int FirstWoken() const {
    for (size_t i = 0; i < count; ++i) {
      if (waiters[i].woken) return static_cast<int>(i);
    }
    return -1;
  }
};

int Add(WaiterSet* set, UserAddress from) {
  GK_ASSIGN_OR_RETURN(FutexSpec spec, ReadUser<FutexSpec>(from));
  if ((spec.flags & ~kPrivate) != kSize32 || spec.reserved != 0) return -EINVAL;
  UserAddress address(spec.address);
  GK_ASSIGN_OR_RETURN(FutexKey key,
                      GetFutexKey(address, (spec.flags & kPrivate) != 0));
  GK_ASSIGN_OR_RETURN(uint32_t found, UserLoad32(address));
  if (found != spec.expected) return -EAGAIN;
  FutexWaiter& waiter = set->waiters[set->count++];
  waiter.key = key;
  waiter.bitset = kFutexMatchAny;
  waiter.thread = CurrentThread();
  QueueFutexWaiter(&waiter);
  return 0;
}

int ReadDeadline(UserAddress from, int clock, Deadline* deadline) {
  *deadline = Deadline::Never();
  if (from.is_null()) return 0;
  if (clock != kClockRealtime && clock != kClockMonotonic) return -EINVAL;
  GK_ASSIGN_OR_RETURN(TimeSpec time, ReadUser<TimeSpec>(from));
  deadline->base =
      clock == kClockRealtime ? ClockBase::kRealtime : ClockBase::kMonotonic;
  return ToNanoseconds(time, &deadline->ns);
}

}  // namespace

// futex_waitv(waiters, count, flags, timeout, clock): the index of one that was
// woken.
int64_t SysFutexWaitv(const SyscallArgs& args) {
  uint64_t count = args.U32(1);
  if (args.U32(2) != 0 || count == 0 || count > kMaxFutexes) return -EINVAL;
  Deadline deadline;
  GK_RETURN_IF_ERROR(ReadDeadline(args.User(3), args.Int(4), &deadline));
  auto set = MakeUnique<WaiterSet>();
  if (!set) return -ENOMEM;
  for (uint64_t i = 0; i < count; ++i) {
    GK_RETURN_IF_ERROR(Add(set.get(), args.User(0) + i * sizeof(FutexSpec)));
  }
  CurrentThread()->wait_reason = "futex";
  for (;;) {
    PrepareToBlock();
    int error = Block(deadline);
    if (int woken = set->FirstWoken(); woken >= 0) return woken;
    if (error != 0) return error;
  }
}

}  // namespace gk
