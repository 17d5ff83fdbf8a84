// SPDX-License-Identifier: Apache-2.0
//
// DeviceTable: the fixed MMIO slots (guestkernel/abi/devices.h) and which
// device is in each. It owns the transports, routes guest accesses to them, and
// saves and restores them all. vCPU thread; the addresses are the guest's and
// may be anything.

#ifndef CRVM_VMM_DEVICES_DEVICE_TABLE_H_
#define CRVM_VMM_DEVICES_DEVICE_TABLE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "guestkernel/abi/devices.h"
#include "vmm/devices/virtio/event_sink.h"
#include "vmm/devices/virtio/mmio_transport.h"
#include "vmm/devices/virtio/virtio_device.h"
#include "vmm/memory/guest_address.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

class DeviceTable {
 public:
  // Both must outlive the table.
  DeviceTable(GuestMemory* memory, EventSink* events)
      : memory_(memory), events_(events) {}

  // Puts `device`, which must outlive the table, into an empty slot. Before the
  // guest runs.
  void Add(abi::DeviceSlot slot, VirtioDevice* device);

  bool Has(abi::DeviceSlot slot) const { return transports_[slot] != nullptr; }

  // Whether an access at `address` is for a device slot.
  static bool Contains(GuestAddress address);

  // One guest access inside a slot. Empty slots read as virtio device id 0;
  // anything else that does not exist reads as zero and ignores writes.
  void Read(GuestAddress address, absl::Span<uint8_t> data);
  void Write(GuestAddress address, absl::Span<const uint8_t> data);

  // After a kick of the vCPU: every device looks at what the host has for it.
  void ProcessHostEvents();

  // All devices with their queues, encoded. A restore needs the same slots to
  // be filled, and guest memory in place. The guest must not run meanwhile.
  absl::StatusOr<std::string> SaveState() const;
  absl::Status RestoreState(absl::string_view state);

  // Which slots a saved table fills, so that the caller can Add() the same
  // before it restores.
  static absl::StatusOr<std::vector<abi::DeviceSlot>> SavedSlots(
      absl::string_view state);

 private:
  struct SavedSlot {
    abi::DeviceSlot slot;
    MmioTransportState state;
  };
  static absl::StatusOr<std::vector<SavedSlot>> Decode(absl::string_view state);

  GuestMemory* memory_;
  EventSink* events_;
  std::array<std::unique_ptr<MmioTransport>, abi::kDeviceSlotCount> transports_;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_DEVICE_TABLE_H_
