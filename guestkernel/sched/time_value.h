// SPDX-License-Identifier: Apache-2.0
//
// struct timeval and struct itimerval of the ABI. Private to sched/.
#ifndef CRVM_GUESTKERNEL_SCHED_TIME_VALUE_H_
#define CRVM_GUESTKERNEL_SCHED_TIME_VALUE_H_

#include <cstdint>

#include "guestkernel/lib/errno.h"
#include "guestkernel/sched/clock.h"

namespace gk {

struct TimeValue {
  int64_t seconds;
  int64_t microseconds;
};
static_assert(sizeof(TimeValue) == 16);

struct IntervalValue {
  TimeValue interval;
  TimeValue value;
};
static_assert(sizeof(IntervalValue) == 32);

inline TimeValue ToTimeValue(uint64_t ns) {
  return TimeValue{static_cast<int64_t>(ns / 1000000000),
                   static_cast<int64_t>(ns % 1000000000 / 1000)};
}

// As for TimeSpec.
inline int ToNanoseconds(const TimeValue& time, uint64_t* ns) {
  if (time.microseconds < 0 || time.microseconds >= 1000000) return -EINVAL;
  return ToNanoseconds(TimeSpec{time.seconds, time.microseconds * 1000}, ns);
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_TIME_VALUE_H_
