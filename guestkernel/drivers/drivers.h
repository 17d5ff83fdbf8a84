// SPDX-License-Identifier: Apache-2.0
//
// Brings up the virtio devices that the rest of the kernel needs. Called once
// by KernelMain, before any thread runs.
#ifndef CRVM_GUESTKERNEL_DRIVERS_DRIVERS_H_
#define CRVM_GUESTKERNEL_DRIVERS_DRIVERS_H_

namespace gk {

void DriversInit();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_DRIVERS_DRIVERS_H_
