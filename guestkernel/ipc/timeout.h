// SPDX-License-Identifier: Apache-2.0
//
// Timeout arguments of poll, select and epoll_wait as deadlines. A deadline of
// 0 means: do not wait.
#ifndef CRVM_GUESTKERNEL_IPC_TIMEOUT_H_
#define CRVM_GUESTKERNEL_IPC_TIMEOUT_H_

#include "guestkernel/arch/user_copy.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

inline Deadline DeadlineAfterNs(uint64_t ns) {
  if (ns == 0) return Deadline{0};
  uint64_t now = MonotonicNs();
  return ns < ~now ? Deadline{now + ns} : Deadline::Never();
}

// Negative: never.
inline Deadline DeadlineAfterMs(int ms) {
  if (ms < 0) return Deadline::Never();
  return DeadlineAfterNs(static_cast<uint64_t>(ms) * 1000000);
}

// Null: never. -EFAULT, -EINVAL.
inline Result<Deadline> DeadlineAfterSpec(UserAddress at) {
  if (at.is_null()) return Deadline::Never();
  GK_ASSIGN_OR_RETURN(TimeSpec spec, ReadUser<TimeSpec>(at));
  uint64_t ns;
  GK_RETURN_IF_ERROR(ToNanoseconds(spec, &ns));
  return DeadlineAfterNs(ns);
}

// struct timeval; microseconds beyond a second are carried over, as by Linux.
inline Result<Deadline> DeadlineAfterTimeval(UserAddress at) {
  if (at.is_null()) return Deadline::Never();
  GK_ASSIGN_OR_RETURN(TimeSpec value, ReadUser<TimeSpec>(at));
  if (value.seconds < 0 || value.nanoseconds < 0) return Error(-EINVAL);
  TimeSpec spec = {value.seconds + value.nanoseconds / 1000000,
                   value.nanoseconds % 1000000 * 1000};
  uint64_t ns;
  GK_RETURN_IF_ERROR(ToNanoseconds(spec, &ns));
  return DeadlineAfterNs(ns);
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_IPC_TIMEOUT_H_
