// SPDX-License-Identifier: Apache-2.0
//
// See virtio_queue.h.
#include "guestkernel/drivers/virtio_queue.h"

#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/lib/string.h"

namespace gk {

namespace abi = crvm::abi;

namespace {
// Positions in the available ring, in u16.
constexpr size_t kAvailFlags = 0, kAvailIndex = 1, kAvailRing = 2;
}  // namespace

int VirtioQueue::Allocate(VirtioDevice* device, uint32_t index, uint16_t size) {
  frame_ = AllocateFrame(FrameZeroing::kZeroed);
  if (frame_.is_null()) return -ENOMEM;
  uint8_t* base = static_cast<uint8_t*>(FrameData(frame_));
  desc_ = reinterpret_cast<abi::VirtqDesc*>(base);
  avail_ = reinterpret_cast<uint16_t*>(base + kAvailOffset);
  used_ = base + kUsedOffset;
  device_ = device;
  index_ = index;
  size_ = size;
  free_head_ = 0;
  free_count_ = size;
  in_flight_ = avail_index_ = used_index_ = 0;
  for (uint16_t i = 0; i < size; ++i) desc_[i].next = i + 1;
  return 0;
}

void VirtioQueue::Release() {
  if (!frame_.is_null()) ReleaseFrame(frame_);
  frame_ = FrameNumber();
}

uint16_t VirtioQueue::Fill(const VirtioBuffer& buffer, uint16_t flags,
                           bool last) {
  const uint16_t at = free_head_;
  abi::VirtqDesc& desc = desc_[at];
  free_head_ = desc.next;  // stays the link of the chain too
  --free_count_;
  desc.addr = buffer.gpa;
  desc.len = buffer.length;
  desc.flags = last ? flags : flags | abi::kVirtqDescNext;
  return at;
}

int VirtioQueue::Submit(const VirtioBuffer* readable, size_t readable_count,
                        const VirtioBuffer* writable, size_t writable_count,
                        void* cookie) {
  const size_t count = readable_count + writable_count;
  GK_ASSERT(count > 0);
  if (count > free_count_) return -ENOSPC;
  const uint16_t head = free_head_;
  for (size_t i = 0; i < readable_count; ++i) {
    Fill(readable[i], 0, i + 1 == count);
  }
  for (size_t i = 0; i < writable_count; ++i) {
    Fill(writable[i], abi::kVirtqDescWrite, i + 1 == writable_count);
  }
  cookies_[head] = cookie;
  ++in_flight_;
  avail_[kAvailRing + avail_index_ % size_] = head;
  ++avail_index_;
  // The chain must be complete in memory before its index says that it is
  // there (section 2.7.13.2).
  __atomic_store_n(&avail_[kAvailIndex], avail_index_, __ATOMIC_RELEASE);
  return 0;
}

void VirtioQueue::Notify() { device_->Write(abi::kVirtioQueueNotify, index_); }

bool VirtioQueue::TakeUsed(VirtioUsed* used) {
  auto* index =
      reinterpret_cast<uint16_t*>(used_ + offsetof(abi::VirtqUsedHeader, idx));
  if (used_index_ == __atomic_load_n(index, __ATOMIC_ACQUIRE)) return false;
  abi::VirtqUsedElem elem;
  memcpy(&elem,
         used_ + sizeof(abi::VirtqUsedHeader) +
             sizeof(elem) * (used_index_ % size_),
         sizeof(elem));
  ++used_index_;
  GK_ASSERT(elem.id < size_ && in_flight_ > 0);
  --in_flight_;
  *used = VirtioUsed{cookies_[elem.id], elem.len};
  cookies_[elem.id] = nullptr;

  uint16_t last = static_cast<uint16_t>(elem.id);
  ++free_count_;
  while (desc_[last].flags & abi::kVirtqDescNext) {
    last = desc_[last].next;
    ++free_count_;
  }
  desc_[last].next = free_head_;
  free_head_ = static_cast<uint16_t>(elem.id);
  return true;
}

void VirtioQueue::DisableEvents() {
  avail_[kAvailFlags] = abi::kVirtqAvailNoInterrupt;
}

}  // namespace gk
