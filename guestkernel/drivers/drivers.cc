// SPDX-License-Identifier: Apache-2.0
//
// See drivers.h.
#include "guestkernel/drivers/drivers.h"

#include "guestkernel/drivers/control_channel.h"
#include "guestkernel/drivers/entropy.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/thread.h"
#include "guestkernel/tty/tty.h"

namespace gk {

namespace {

// The resumed message waits in the queue; what it brings must be known before
// any program runs.
void OnResumed() {
  EntropyReseed();
  ControlHandleEvent();
}

}  // namespace

void DriversInit() {
  AddDeviceEventHook(&ControlHandleEvent);
  SetProgramStoppedHook(&ControlSendStopped);
  AddResumedHook(&OnResumed);
  TtyInit();
}

}  // namespace gk
