// SPDX-License-Identifier: Apache-2.0
//
// Where the devices are. Shared by the VMM (which decodes guest accesses by it)
// and the guest kernel (which drives the devices by it): freestanding, plain
// constants, used from any thread. Part of the guest ABI: a snapshot carries
// its kernel, so a value here never changes its meaning; new slots go to the
// end.

#ifndef CRVM_GUESTKERNEL_ABI_DEVICES_H_
#define CRVM_GUESTKERNEL_ABI_DEVICES_H_

#include <stdint.h>

#include "guestkernel/abi/layout.h"

namespace crvm::abi {

// The virtio-mmio register block of slot i is at
// kDeviceSlotsBase + i * kDeviceSlotSize.
inline constexpr uint64_t kDeviceSlotsBase = kDeviceMmioGpa;
inline constexpr uint64_t kDeviceSlotSize = 0x1000;

// What is in which slot. An absent device reads as virtio device id 0.
enum DeviceSlot : uint32_t {
  kSlotConsole = 0,  // virtio console, tty: the controlling terminal
  kSlotStdin = 1,    // virtio console, stream
  kSlotStdout = 2,   // virtio console, stream
  kSlotStderr = 3,   // virtio console, stream
  kSlotFs = 4,       // virtio-fs
  kSlotRng = 5,      // virtio entropy
  kSlotControl = 6,  // crvm's control channel (abi/control.h)
};

inline constexpr uint32_t kDeviceSlotCount = 7;

// Slots that the region has room for; device events are one bit each in a u64.
inline constexpr uint32_t kMaxDeviceSlots = 64;

constexpr uint64_t DeviceSlotAddress(uint32_t slot) {
  return kDeviceSlotsBase + slot * kDeviceSlotSize;
}

static_assert(DeviceSlotAddress(kSlotConsole) == 0x4000010000);
static_assert(DeviceSlotAddress(kSlotControl) == 0x4000016000);
static_assert(kDeviceSlotCount <= kMaxDeviceSlots);
static_assert(DeviceSlotAddress(kMaxDeviceSlots) <= kDoorbellGpa + kMmioSize);

}  // namespace crvm::abi

#endif  // CRVM_GUESTKERNEL_ABI_DEVICES_H_
