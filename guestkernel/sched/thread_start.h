// SPDX-License-Identifier: Apache-2.0
//
// How a thread that has been switched to for the first time begins. Private to
// sched/.
#ifndef CRVM_GUESTKERNEL_SCHED_THREAD_START_H_
#define CRVM_GUESTKERNEL_SCHED_THREAD_START_H_

namespace gk {

// Every thread's first action after a switch to it: frees the thread that died
// just before.
void FinishSwitch();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_THREAD_START_H_
