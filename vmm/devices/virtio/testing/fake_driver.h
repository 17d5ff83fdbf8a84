// SPDX-License-Identifier: Apache-2.0
//
// The guest's side of a virtio-mmio device, for tests: it lays out queues in
// guest memory, goes through the start-up of virtio 1.2 section 3.1.1 and moves
// buffers. Honest, unless a test writes to the rings itself. Test thread.

#ifndef CRVM_VMM_DEVICES_VIRTIO_TESTING_FAKE_DRIVER_H_
#define CRVM_VMM_DEVICES_VIRTIO_TESTING_FAKE_DRIVER_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/devices/virtio/event_sink.h"
#include "vmm/devices/virtio/mmio_transport.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

// Counts events.
class FakeEventSink : public EventSink {
 public:
  void RaiseDeviceEvent(int) override { ++events_; }
  int TakeEvents() { return events_.exchange(0); }

 private:
  std::atomic<int> events_ = 0;
};

// One split queue, driver side. Lives at a fixed place in guest memory, with
// a data page for each descriptor.
class FakeQueue {
 public:
  static constexpr uint32_t kDataBytes = 4096;

  FakeQueue(GuestMemory* memory, uint64_t base, uint16_t size);

  void set_memory(GuestMemory* memory) { memory_ = memory; }

  uint16_t size() const { return size_; }
  uint64_t desc() const { return base_; }
  uint64_t avail() const { return base_ + 0x1000; }
  uint64_t used() const { return base_ + 0x2000; }
  uint64_t data(uint16_t index) const {
    return base_ + 0x10000 + uint64_t{index} * kDataBytes;
  }
  static constexpr uint64_t kFootprint = 0x10000 + 64 * kDataBytes;

  void SetDesc(uint16_t index, abi::VirtqDesc desc);
  void SetAvailable(uint16_t slot, uint16_t head);
  void SetAvailableIndex(uint16_t index);
  void SetNoInterrupt(bool on);

  // Queues readable bytes and then `writable` bytes of room, each in as many
  // descriptors as `pieces` says; returns the head.
  uint16_t Offer(absl::string_view readable, uint32_t writable, int pieces = 1);

  struct Used {
    uint16_t head;
    uint32_t length;
  };
  // The next chain that the device has given back, if any.
  std::optional<Used> TakeUsed();

  // The first `length` bytes of the writable part of the chain at `head`.
  std::string Written(uint16_t head, uint32_t length) const;

 private:
  GuestMemory* memory_;
  uint64_t base_;
  uint16_t size_;
  uint16_t next_desc_ = 0;
  uint16_t avail_index_ = 0;
  uint16_t used_index_ = 0;
};

class FakeDriver {
 public:
  FakeDriver(MmioTransport* transport, GuestMemory* memory)
      : transport_(transport), memory_(memory) {}

  uint32_t Get(uint32_t reg) const;
  void Set(uint32_t reg, uint32_t value);

  // Full start-up with `features` beside VERSION_1, every queue `queue_size`
  // long. Afterwards Status() says how it went.
  void Start(uint64_t features, uint16_t queue_size = 16);
  void StartUntilFeatures(uint64_t features);
  void SetUpQueue(int index, uint16_t queue_size);
  void SetDriverOk();
  uint32_t Status() const { return Get(abi::kVirtioStatus); }
  bool NeedsReset() const {
    return (Status() & abi::kVirtioStatusNeedsReset) != 0;
  }

  void Notify(int index) { Set(abi::kVirtioQueueNotify, index); }
  FakeQueue& queue(int index) { return queues_[index]; }

  // After a restore: the same driver on another transport.
  void MoveTo(MmioTransport* transport, GuestMemory* memory);

 private:
  MmioTransport* transport_;
  GuestMemory* memory_;
  std::vector<FakeQueue> queues_;
};

// RAM for FakeDriver's queues.
inline constexpr uint64_t kFakeDriverMemory = 8 << 20;

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_VIRTIO_TESTING_FAKE_DRIVER_H_
