// SPDX-License-Identifier: Apache-2.0
//
// The driver's side of one split virtqueue (virtio 1.2, section 2.7;
// abi/virtio.h). Buffers are guest-physical: frames, or heap blocks of a page
// and more (physically contiguous), by VirtualToPhysical().
//
//   VirtioBuffer in[] = {{header_gpa, 40}, {name_gpa, 6}}, out[] = {...};
//   GK_RETURN_IF_ERROR(queue.Submit(in, 2, out, 1, this));
//   queue.Notify();             // an exit; the device may answer within it
//   while (queue.TakeUsed(&used)) ...
//
// A device that always answers within the notification (fs, rng) needs no
// events: DisableEvents(). For the others, look at TakeUsed() from a device
// event hook.
#ifndef CRVM_GUESTKERNEL_DRIVERS_VIRTIO_QUEUE_H_
#define CRVM_GUESTKERNEL_DRIVERS_VIRTIO_QUEUE_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/abi/virtio.h"
#include "guestkernel/drivers/virtio_device.h"
#include "guestkernel/mm/frame.h"

namespace gk {

struct VirtioBuffer {
  uint64_t gpa;
  uint32_t length;
};

struct VirtioUsed {
  void* cookie;     // as given to Submit
  uint32_t length;  // bytes that the device wrote
};

class VirtioQueue {
 public:
  static constexpr uint16_t kMaxSize = 128;

  constexpr VirtioQueue() = default;
  VirtioQueue(const VirtioQueue&) = delete;
  VirtioQueue& operator=(const VirtioQueue&) = delete;

  // Queues one chain: `readable` buffers for the device to read, then
  // `writable` ones for it to fill. -ENOSPC when too few descriptors are free.
  // The buffers belong to the device until the chain is used. The device is
  // told by Notify().
  [[nodiscard]] int Submit(const VirtioBuffer* readable, size_t readable_count,
                           const VirtioBuffer* writable, size_t writable_count,
                           void* cookie);
  void Notify();

  // The next chain that the device has finished; false when there is none.
  bool TakeUsed(VirtioUsed* used);

  // The device need not raise events for this queue.
  void DisableEvents();

  uint16_t free_descriptors() const { return free_count_; }
  uint16_t in_flight() const { return in_flight_; }

 private:
  friend class VirtioDevice;
  // One frame holds the three areas.
  int Allocate(VirtioDevice* device, uint32_t index, uint16_t size);
  void Release();
  uint64_t desc_gpa() const { return frame_.gpa(); }
  uint64_t avail_gpa() const { return frame_.gpa() + kAvailOffset; }
  uint64_t used_gpa() const { return frame_.gpa() + kUsedOffset; }
  uint16_t Fill(const VirtioBuffer& buffer, uint16_t flags, bool last);

  static constexpr uint64_t kAvailOffset = 16 * kMaxSize;
  static constexpr uint64_t kUsedOffset = kAvailOffset + 512;
  static_assert(crvm::abi::VirtqAvailBytes(kMaxSize) <= 512);
  static_assert(kUsedOffset + crvm::abi::VirtqUsedBytes(kMaxSize) <= 4096);

  VirtioDevice* device_ = nullptr;
  FrameNumber frame_;
  crvm::abi::VirtqDesc* desc_ = nullptr;
  uint16_t* avail_ = nullptr;  // flags, idx, ring
  uint8_t* used_ = nullptr;    // VirtqUsedHeader, elements
  uint32_t index_ = 0;
  uint16_t size_ = 0;
  uint16_t free_head_ = 0;  // free descriptors are linked by their `next`
  uint16_t free_count_ = 0;
  uint16_t in_flight_ = 0;
  uint16_t avail_index_ = 0;
  uint16_t used_index_ = 0;
  void* cookies_[kMaxSize] = {};  // by head
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_DRIVERS_VIRTIO_QUEUE_H_
