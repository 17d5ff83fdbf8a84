// SPDX-License-Identifier: Apache-2.0
//
// futex(2). The check of the word and the queueing that follows are one step:
// nothing in between blocks. Any thread.
#include "guestkernel/sched/futex.h"

#include "guestkernel/sched/futex_internal.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/syscalls.h"

namespace gk {
namespace {

// linux/futex.h
enum FutexOperation : uint32_t {
  kWait = 0,
  kWake = 1,
  kRequeue = 3,
  kCmpRequeue = 4,
  kWakeOp = 5,
  kLockPi = 6,
  kUnlockPi = 7,
  kTrylockPi = 8,
  kWaitBitset = 9,
  kWakeBitset = 10,
  kLockPi2 = 13,
};
constexpr uint32_t kPrivateFlag = 128;
constexpr uint32_t kRealtimeFlag = 256;

struct FutexCall {
  UserAddress address, address2;
  FutexKey key;
  uint32_t operation;
  uint32_t value, value2, value3;  // value2 in place of the timeout
  bool is_private;
  ClockBase clock;
  Deadline deadline;
};

int64_t Wait(UserAddress address, bool is_private, uint32_t expected,
             uint32_t bitset, Deadline deadline);

// args: address, is_private, expected, bitset, clock.
int64_t RestartWait(RestartBlock& block) {
  return Wait(
      UserAddress(block.args[0]), block.args[1] != 0,
      static_cast<uint32_t>(block.args[2]),
      static_cast<uint32_t>(block.args[3]),
      Deadline{block.deadline_ns, static_cast<ClockBase>(block.args[4])});
}

int64_t Wait(UserAddress address, bool is_private, uint32_t expected,
             uint32_t bitset, Deadline deadline) {
  if (bitset == 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(FutexKey key, GetFutexKey(address, is_private));
  GK_ASSIGN_OR_RETURN(uint32_t found, UserLoad32(address));
  if (found != expected) return -EAGAIN;
  Thread* thread = CurrentThread();
  FutexWaiter waiter{.key = key, .bitset = bitset, .thread = thread};
  QueueFutexWaiter(&waiter);
  int error = BlockOnFutex(&waiter, deadline);
  if (error != -kErestartSys || deadline.is_never()) return error;
  // The time that has passed counts.
  RestartBlock& block = thread->restart_block;
  block.restart = &RestartWait;
  block.deadline_ns = deadline.ns;
  block.args[0] = address.value;
  block.args[1] = is_private;
  block.args[2] = expected;
  block.args[3] = bitset;
  block.args[4] = static_cast<uint64_t>(deadline.base);
  return -kErestartRestartBlock;
}

int64_t Requeue(const FutexCall& call, bool compare) {
  int wake = static_cast<int>(call.value);
  int requeue = static_cast<int>(call.value2);
  if (wake < 0 || requeue < 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(FutexKey to, GetFutexKey(call.address2, call.is_private));
  if (compare) {
    GK_ASSIGN_OR_RETURN(uint32_t found, UserLoad32(call.address));
    if (found != call.value3) return -EAGAIN;
  }
  int64_t done = wake > 0 ? WakeFutexKey(call.key, kFutexMatchAny, wake) : 0;
  if (to.owner == call.key.owner && to.offset == call.key.offset) return done;
  for (; requeue > 0; --requeue, ++done) {
    FutexWaiter* waiter = FindFutexWaiter(call.key, kFutexMatchAny, false);
    if (!waiter) break;
    MoveFutexWaiter(waiter, to);
  }
  return done;
}

// FUTEX_WAKE_OP's word of instructions (futex(2)).
struct WakeOperation {
  uint32_t operation, comparison;
  uint32_t operand;
  int32_t compared_with;

  explicit WakeOperation(uint32_t encoded)
      : operation(encoded >> 28 & 7),
        comparison(encoded >> 24 & 15),
        // 12 bits each, sign-extended.
        operand(
            static_cast<uint32_t>(static_cast<int32_t>(encoded << 8) >> 20)),
        compared_with(static_cast<int32_t>(encoded << 20) >> 20) {
    constexpr uint32_t kShiftFlag = 8u << 28;
    if (encoded & kShiftFlag) operand = 1u << (operand & 31);
  }

  Result<uint32_t> Apply(UserAddress at) const {
    switch (operation) {
      case 0:
        return UserExchange32(at, operand);
      case 1:
        return UserFetchAdd32(at, operand);
      case 2:
        return UserFetchOr32(at, operand);
      case 3:
        return UserFetchAnd32(at, ~operand);
      case 4:
        return UserFetchXor32(at, operand);
      default:
        return Error(-ENOSYS);
    }
  }

  Result<bool> Matches(uint32_t old_value) const {
    int32_t old = static_cast<int32_t>(old_value);
    switch (comparison) {
      case 0:
        return old == compared_with;
      case 1:
        return old != compared_with;
      case 2:
        return old < compared_with;
      case 3:
        return old <= compared_with;
      case 4:
        return old > compared_with;
      case 5:
        return old >= compared_with;
      default:
        return Error(-ENOSYS);
    }
  }
};

int64_t WakeOp(const FutexCall& call) {
  GK_ASSIGN_OR_RETURN(FutexKey key2,
                      GetFutexKey(call.address2, call.is_private));
  WakeOperation operation(call.value3);
  GK_ASSIGN_OR_RETURN(uint32_t old, operation.Apply(call.address2));
  GK_ASSIGN_OR_RETURN(bool matches, operation.Matches(old));
  int64_t woken =
      WakeFutexKey(call.key, kFutexMatchAny, static_cast<int>(call.value));
  if (matches) {
    woken += WakeFutexKey(key2, kFutexMatchAny, static_cast<int>(call.value2));
  }
  return woken;
}

bool TakesTimeout(uint32_t operation) {
  return operation == kWait || operation == kWaitBitset ||
         operation == kLockPi || operation == kLockPi2;
}

// FUTEX_WAIT's timeout is relative, the others' are absolute.
int ReadDeadline(UserAddress from, FutexCall* call) {
  call->deadline = Deadline::Never();
  if (from.is_null() || !TakesTimeout(call->operation)) return 0;
  GK_ASSIGN_OR_RETURN(TimeSpec timeout, ReadUser<TimeSpec>(from));
  uint64_t ns;
  GK_RETURN_IF_ERROR(ToNanoseconds(timeout, &ns));
  if (call->operation == kWait) {
    call->deadline = Deadline::After(ns);
  } else {
    call->deadline = Deadline{ns, call->clock};
  }
  return 0;
}

int64_t Execute(const FutexCall& call) {
  switch (call.operation) {
    case kWait:
      return Wait(call.address, call.is_private, call.value, kFutexMatchAny,
                  call.deadline);
    case kWaitBitset:
      return Wait(call.address, call.is_private, call.value, call.value3,
                  call.deadline);
    case kWake:
      return WakeFutexKey(call.key, kFutexMatchAny,
                          static_cast<int>(call.value));
    case kWakeBitset:
      if (call.value3 == 0) return -EINVAL;
      return WakeFutexKey(call.key, call.value3, static_cast<int>(call.value));
    case kRequeue:
    case kCmpRequeue:
      return Requeue(call, call.operation == kCmpRequeue);
    case kWakeOp:
      return WakeOp(call);
    case kLockPi:
    case kLockPi2:
      return FutexLockPi(call.address, call.key, call.deadline, false);
    case kTrylockPi:
      return FutexLockPi(call.address, call.key, call.deadline, true);
    case kUnlockPi:
      return FutexUnlockPi(call.address, call.key);
    default:
      return -ENOSYS;
  }
}

}  // namespace

// futex(address, operation, value, timeout or value2, address2, value3)
int64_t SysFutex(const SyscallArgs& args) {
  uint32_t operation = args.U32(1);
  bool realtime = (operation & kRealtimeFlag) != 0;
  FutexCall call = {};
  call.operation = operation & ~(kPrivateFlag | kRealtimeFlag);
  if (realtime && !TakesTimeout(call.operation)) return -ENOSYS;
  call.address = args.User(0);
  call.address2 = args.User(4);
  call.is_private = (operation & kPrivateFlag) != 0;
  call.value = args.U32(2);
  call.value2 = args.U32(3);
  call.value3 = args.U32(5);
  // FUTEX_LOCK_PI is on the real-time clock always.
  call.clock = realtime || call.operation == kLockPi ? ClockBase::kRealtime
                                                     : ClockBase::kMonotonic;
  GK_RETURN_IF_ERROR(ReadDeadline(args.User(3), &call));
  GK_ASSIGN_OR_RETURN(call.key, GetFutexKey(call.address, call.is_private));
  return Execute(call);
}

}  // namespace gk
