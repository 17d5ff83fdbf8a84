// SPDX-License-Identifier: Apache-2.0
//
// When anything last came in from outside: terminal and stream input, control
// messages, packets. By such input a program may learn that somebody has
// changed files on the host; so what is cached of the host's files from before
// it must not be believed after it. Every driver that takes input in says so
// here.
#ifndef CRVM_GUESTKERNEL_DRIVERS_EXTERNAL_INPUT_H_
#define CRVM_GUESTKERNEL_DRIVERS_EXTERNAL_INPUT_H_

#include <cstdint>

#include "guestkernel/sched/clock.h"

namespace gk {

inline constinit uint64_t g_last_external_input_ns = 0;

inline void NoteExternalInput() { g_last_external_input_ns = MonotonicNs(); }

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_DRIVERS_EXTERNAL_INPUT_H_
