// SPDX-License-Identifier: Apache-2.0
//
// The guest's end of the control channel (abi/control.h): signals and news of a
// resume from the VMM, and small messages to it.
#ifndef CRVM_GUESTKERNEL_DRIVERS_CONTROL_CHANNEL_H_
#define CRVM_GUESTKERNEL_DRIVERS_CONTROL_CHANNEL_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/abi/control.h"

namespace gk {

// Starts the device and says hello, unless that is done: the first message or
// device event does it. -ENODEV, -ENOMEM.
int ControlStart();

// Sends one message; nothing happens when there is no channel. The payload is
// at most kControlMaxPayload bytes.
void ControlSend(crvm::abi::ControlToHost type, const void* payload,
                 size_t length);

// The program was stopped by `signo` (job control): the VMM stops too, so that
// the user gets his shell back.
void ControlSendStopped(int signo);

// From the device event hook.
void ControlHandleEvent();

// Resumes seen so far; changes tell clones of one snapshot apart.
uint64_t ResumeGeneration();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_DRIVERS_CONTROL_CHANNEL_H_
