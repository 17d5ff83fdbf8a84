// SPDX-License-Identifier: Apache-2.0
//
// Who may give a thread which nice value. Private to sched/.
#ifndef CRVM_GUESTKERNEL_SCHED_PRIORITY_H_
#define CRVM_GUESTKERNEL_SCHED_PRIORITY_H_

namespace gk {

class Thread;

inline constexpr int kCapSysNice = 23;  // linux/capability.h

// By RLIMIT_NICE and capabilities; lowering the priority is always allowed.
bool MaySetNice(const Thread& target, int nice);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_PRIORITY_H_
