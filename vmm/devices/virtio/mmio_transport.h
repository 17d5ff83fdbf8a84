// SPDX-License-Identifier: Apache-2.0
//
// MmioTransport: the virtio-mmio register block (version 2; virtio 1.2, section
// 4.2) of one device slot, its queues and its status state machine. vCPU
// thread. Every register access is the hostile guest's: nonsense is ignored or
// makes the device need a reset, and never harms the VMM.

#ifndef CRVM_VMM_DEVICES_VIRTIO_MMIO_TRANSPORT_H_
#define CRVM_VMM_DEVICES_VIRTIO_MMIO_TRANSPORT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "vmm/devices/virtio/event_sink.h"
#include "vmm/devices/virtio/virtio_device.h"
#include "vmm/devices/virtio/virtqueue.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

// What the driver has written for a queue before it makes it ready.
struct QueueSetup {
  uint16_t size = 0;
  uint64_t desc = 0;
  uint64_t driver = 0;  // the available ring
  uint64_t device = 0;  // the used ring
};

struct MmioTransportState {
  uint32_t device_id = 0;
  uint32_t status = 0;
  uint32_t interrupt_status = 0;
  uint32_t config_generation = 0;
  uint32_t device_features_sel = 0;
  uint32_t driver_features_sel = 0;
  uint32_t queue_sel = 0;
  uint64_t driver_features = 0;
  std::vector<QueueSetup> setups;  // one per queue
  std::vector<VirtqueueState> queues;
  std::string device;  // VirtioDevice::SaveState()
};
void Encode(const MmioTransportState& state, StateWriter& writer);
absl::StatusOr<MmioTransportState> DecodeMmioTransportState(
    StateReader& reader);

class MmioTransport : public VirtioTransport {
 public:
  // `slot` is what events are raised for. The pointers must outlive this.
  MmioTransport(int slot, VirtioDevice* device, GuestMemory* memory,
                EventSink* events);
  MmioTransport(const MmioTransport&) = delete;
  MmioTransport& operator=(const MmioTransport&) = delete;

  // One guest access, `offset` from the start of the slot.
  void Read(uint64_t offset, absl::Span<uint8_t> data);
  void Write(uint64_t offset, absl::Span<const uint8_t> data);

  // The vCPU was kicked: lets the device look at what the host has for it.
  void ProcessHostEvent();

  VirtioDevice& device() { return *device_; }

  // The guest must not run meanwhile. Restore wants guest memory in place and a
  // transport whose device is of the same kind; on an error do not run it.
  absl::StatusOr<MmioTransportState> SaveState() const;
  absl::Status RestoreState(const MmioTransportState& state);

  // VirtioTransport:
  bool IsRunning() const override;
  uint64_t negotiated_features() const override { return driver_features_; }
  Virtqueue& queue(int index) override;
  void SignalUsed(int index) override;
  void SignalConfigChange() override;

 private:
  uint64_t offered_features() const;
  uint32_t ReadRegister(uint32_t offset) const;
  void WriteRegister(uint32_t offset, uint32_t value);
  void WriteQueueRegister(uint32_t offset, uint32_t value);
  void WriteQueueReady(QueueSetup& setup, Virtqueue& queue, uint32_t value);
  void WriteStatus(uint32_t value);
  void Notify(uint32_t queue);
  void Reset();
  void RaiseInterrupt(uint32_t bits);
  // Sets DEVICE_NEEDS_RESET if `status` is an error, and says why.
  void Settle(const absl::Status& status);

  const int slot_;
  VirtioDevice* const device_;
  EventSink* const events_;
  std::vector<Virtqueue> queues_;
  std::vector<QueueSetup> setups_;
  uint32_t status_ = 0;
  uint32_t interrupt_status_ = 0;
  uint32_t config_generation_ = 0;
  uint32_t device_features_sel_ = 0;
  uint32_t driver_features_sel_ = 0;
  uint32_t queue_sel_ = 0;
  uint64_t driver_features_ = 0;
  int complaints_ = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_VIRTIO_MMIO_TRANSPORT_H_
