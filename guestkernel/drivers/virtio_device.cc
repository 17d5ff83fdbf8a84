// SPDX-License-Identifier: Apache-2.0
//
// See virtio_device.h.
#include "guestkernel/drivers/virtio_device.h"

#include "guestkernel/arch/arch.h"
#include "guestkernel/drivers/virtio_queue.h"
#include "guestkernel/lib/errno.h"

namespace gk {

namespace abi = crvm::abi;

uint32_t VirtioDevice::Read(uint32_t reg) const {
  return MmioRead32(base_ + reg);
}

void VirtioDevice::Write(uint32_t reg, uint32_t value) {
  MmioWrite32(base_ + reg, value);
}

uint32_t VirtioDevice::TakeInterrupts() {
  const uint32_t bits = Read(abi::kVirtioInterruptStatus);
  if (bits != 0) Write(abi::kVirtioInterruptAck, bits);
  return bits;
}

void VirtioDevice::AddStatus(uint32_t bits) {
  Write(abi::kVirtioStatus, Read(abi::kVirtioStatus) | bits);
}

int VirtioDevice::Start(abi::DeviceSlot slot, uint32_t device_id,
                        uint64_t features, VirtioQueue* queues,
                        uint32_t queue_count, uint16_t queue_size) {
  base_ = abi::DeviceSlotAddress(slot);
  int error = 0;
  if (Read(abi::kVirtioMagicValue) != abi::kVirtioMagic ||
      Read(abi::kVirtioDeviceId) != device_id) {
    error = -ENODEV;
  }
  if (!error) {
    Write(abi::kVirtioStatus, 0);
    Write(abi::kVirtioStatus,
          abi::kVirtioStatusAcknowledge | abi::kVirtioStatusDriver);
    error = Negotiate(features | abi::kVirtioFVersion1);
  }
  uint32_t ready = 0;
  for (; !error && ready < queue_count; ++ready) {
    error = SetUpQueue(ready, queues[ready], queue_size);
  }
  if (error) {
    if (error != -ENODEV) Write(abi::kVirtioStatus, 0);
    for (uint32_t i = 0; i < ready; ++i) queues[i].Release();
    base_ = 0;
    return error;
  }
  AddStatus(abi::kVirtioStatusDriverOk);
  return 0;
}

int VirtioDevice::Negotiate(uint64_t features) {
  for (uint32_t i = 0; i < 2; ++i) {
    const uint32_t wanted = static_cast<uint32_t>(features >> (32 * i));
    Write(abi::kVirtioDeviceFeaturesSel, i);
    if (wanted & ~Read(abi::kVirtioDeviceFeatures)) return -EOPNOTSUPP;
    Write(abi::kVirtioDriverFeaturesSel, i);
    Write(abi::kVirtioDriverFeatures, wanted);
  }
  AddStatus(abi::kVirtioStatusFeaturesOk);
  if (!(Read(abi::kVirtioStatus) & abi::kVirtioStatusFeaturesOk)) {
    return -EOPNOTSUPP;
  }
  return 0;
}

int VirtioDevice::SetUpQueue(uint32_t index, VirtioQueue& queue,
                             uint16_t size) {
  Write(abi::kVirtioQueueSel, index);
  const uint32_t max = Read(abi::kVirtioQueueNumMax);
  if (max == 0) return -ENODEV;
  if (size > max) size = static_cast<uint16_t>(max);
  if (size > VirtioQueue::kMaxSize) size = VirtioQueue::kMaxSize;
  if (int error = queue.Allocate(this, index, size)) return error;
  const struct {
    uint32_t low, high;
    uint64_t gpa;
  } areas[] = {
      {abi::kVirtioQueueDescLow, abi::kVirtioQueueDescHigh, queue.desc_gpa()},
      {abi::kVirtioQueueDriverLow, abi::kVirtioQueueDriverHigh,
       queue.avail_gpa()},
      {abi::kVirtioQueueDeviceLow, abi::kVirtioQueueDeviceHigh,
       queue.used_gpa()},
  };
  Write(abi::kVirtioQueueNum, size);
  for (const auto& area : areas) {
    Write(area.low, static_cast<uint32_t>(area.gpa));
    Write(area.high, static_cast<uint32_t>(area.gpa >> 32));
  }
  Write(abi::kVirtioQueueReady, 1);
  return 0;
}

}  // namespace gk
