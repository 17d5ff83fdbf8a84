// SPDX-License-Identifier: Apache-2.0
//
// The driver's side of one virtio-mmio slot (virtio 1.2, sections 3.1.1 and
// 4.2; abi/virtio.h): start-up, configuration space, notifications. Each
// register access is an exit to the VMM (tens of microseconds), so nothing here
// is touched on a hot path but QueueNotify. Trusts the VMM.
#ifndef CRVM_GUESTKERNEL_DRIVERS_VIRTIO_DEVICE_H_
#define CRVM_GUESTKERNEL_DRIVERS_VIRTIO_DEVICE_H_

#include <cstdint>

#include "guestkernel/abi/devices.h"
#include "guestkernel/abi/virtio.h"

namespace gk {

class VirtioQueue;

class VirtioDevice {
 public:
  constexpr VirtioDevice() = default;
  VirtioDevice(const VirtioDevice&) = delete;
  VirtioDevice& operator=(const VirtioDevice&) = delete;

  // Looks into `slot`, agrees on `features` (all of which must be offered;
  // VERSION_1 is added) and sets up queues[0..count), each of at most
  // `queue_size` chains' descriptors. Afterwards the device is live. -ENODEV:
  // no device, or another one; -ENOTSUP: features; -ENOMEM.
  int Start(crvm::abi::DeviceSlot slot, uint32_t device_id, uint64_t features,
            VirtioQueue* queues, uint32_t queue_count, uint16_t queue_size);

  bool started() const { return base_ != 0; }
  uint32_t Read(uint32_t reg) const;
  void Write(uint32_t reg, uint32_t value);
  uint32_t ReadConfig32(uint32_t offset) const {
    return Read(crvm::abi::kVirtioConfig + offset);
  }
  // Why the device raised events: VirtioInterrupt bits, acknowledged.
  uint32_t TakeInterrupts();

 private:
  int Negotiate(uint64_t features);
  int SetUpQueue(uint32_t index, VirtioQueue& queue, uint16_t size);
  void AddStatus(uint32_t bits);

  uint64_t base_ = 0;  // guest-physical; 0: not started
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_DRIVERS_VIRTIO_DEVICE_H_
