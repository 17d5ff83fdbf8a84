// SPDX-License-Identifier: Apache-2.0
//
// The devices of major number 1: null, zero, full, random, urandom. See
// null(4), full(4), random(4).
#ifndef CRVM_GUESTKERNEL_FS_DEV_MEMORY_DEVICES_H_
#define CRVM_GUESTKERNEL_FS_DEV_MEMORY_DEVICES_H_

#include <cstdint>

namespace gk {

inline constexpr uint32_t kMemoryMajor = 1, kNullMinor = 3, kZeroMinor = 5,
                          kFullMinor = 7, kRandomMinor = 8, kUrandomMinor = 9;

int RegisterMemoryDevices();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_DEV_MEMORY_DEVICES_H_
