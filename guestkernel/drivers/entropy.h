// SPDX-License-Identifier: Apache-2.0
//
// The driver of the VMM's entropy device (virtio 1.2, section 5.4). It is asked
// after each resume; at boot the boot info brings a seed, and all else comes
// from the kernel's generator (arch/random.h).
#ifndef CRVM_GUESTKERNEL_DRIVERS_ENTROPY_H_
#define CRVM_GUESTKERNEL_DRIVERS_ENTROPY_H_

namespace gk {

// Stirs fresh host entropy into the kernel's generator, if there is a device.
void EntropyReseed();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_DRIVERS_ENTROPY_H_
