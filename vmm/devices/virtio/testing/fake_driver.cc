// SPDX-License-Identifier: Apache-2.0
//
// See fake_driver.h.

#include "vmm/devices/virtio/testing/fake_driver.h"

#include <algorithm>
#include <cstring>

#include "vmm/base/check.h"
#include "vmm/memory/guest_address.h"

namespace crvm {

FakeQueue::FakeQueue(GuestMemory* memory, uint64_t base, uint16_t size)
    : memory_(memory), base_(base), size_(size) {}

void FakeQueue::SetDesc(uint16_t index, abi::VirtqDesc desc) {
  CRVM_CHECK(
      memory_->Write(GuestAddress(this->desc() + 16 * index), desc).ok());
}

void FakeQueue::SetAvailable(uint16_t slot, uint16_t head) {
  CRVM_CHECK(memory_->Write(GuestAddress(avail() + 4 + 2 * slot), head).ok());
}

void FakeQueue::SetAvailableIndex(uint16_t index) {
  avail_index_ = index;
  CRVM_CHECK(memory_->Write(GuestAddress(avail() + 2), index).ok());
}

void FakeQueue::SetNoInterrupt(bool on) {
  const uint16_t flags = on ? abi::kVirtqAvailNoInterrupt : 0;
  CRVM_CHECK(memory_->Write(GuestAddress(avail()), flags).ok());
}

uint16_t FakeQueue::Offer(absl::string_view readable, uint32_t writable,
                          int pieces) {
  const uint16_t head = next_desc_;
  const int parts = (readable.empty() ? 0 : pieces) + (writable ? pieces : 0);
  int part = 0;
  auto add = [&](uint32_t length, uint16_t flags, const char* bytes) {
    const uint16_t index = next_desc_;
    next_desc_ = (next_desc_ + 1) % size_;
    if (bytes != nullptr) {
      auto slice = memory_->Slice(GuestAddress(data(index)), length);
      std::memcpy(slice->data(), bytes, length);
    }
    if (++part < parts) flags |= abi::kVirtqDescNext;
    SetDesc(index, {data(index), length, flags, next_desc_});
  };
  for (int i = 0; i < pieces && !readable.empty(); ++i) {
    const size_t from = readable.size() * i / pieces;
    const size_t to = readable.size() * (i + 1) / pieces;
    add(to - from, 0, readable.data() + from);
  }
  for (int i = 0; i < pieces && writable > 0; ++i) {
    const uint32_t from = uint64_t{writable} * i / pieces;
    const uint32_t to = uint64_t{writable} * (i + 1) / pieces;
    add(to - from, abi::kVirtqDescWrite, nullptr);
  }
  SetAvailable(avail_index_ % size_, head);
  SetAvailableIndex(avail_index_ + 1);
  return head;
}

std::optional<FakeQueue::Used> FakeQueue::TakeUsed() {
  const uint16_t index = *memory_->Read<uint16_t>(GuestAddress(used() + 2));
  if (index == used_index_) return std::nullopt;
  const auto elem = *memory_->Read<abi::VirtqUsedElem>(
      GuestAddress(used() + 4 + 8 * (used_index_ % size_)));
  ++used_index_;
  return Used{static_cast<uint16_t>(elem.id), elem.len};
}

std::string FakeQueue::Written(uint16_t head, uint32_t length) const {
  std::string out;
  uint16_t index = head;
  for (int i = 0; i < size_; ++i) {
    const auto desc =
        *memory_->Read<abi::VirtqDesc>(GuestAddress(this->desc() + 16 * index));
    if (desc.flags & abi::kVirtqDescWrite) {
      const uint32_t n = std::min<uint32_t>(
          desc.len, length - static_cast<uint32_t>(out.size()));
      auto slice = memory_->Slice(GuestAddress(desc.addr), n);
      out.append(reinterpret_cast<const char*>(slice->data()), n);
    }
    if (!(desc.flags & abi::kVirtqDescNext)) break;
    index = desc.next;
  }
  return out;
}

uint32_t FakeDriver::Get(uint32_t reg) const {
  uint32_t value = 0;
  transport_->Read(
      reg, absl::MakeSpan(reinterpret_cast<uint8_t*>(&value), sizeof(value)));
  return value;
}

void FakeDriver::Set(uint32_t reg, uint32_t value) {
  transport_->Write(
      reg, absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&value),
                               sizeof(value)));
}

void FakeDriver::StartUntilFeatures(uint64_t features) {
  features |= abi::kVirtioFVersion1;
  Set(abi::kVirtioStatus, 0);
  Set(abi::kVirtioStatus, abi::kVirtioStatusAcknowledge);
  Set(abi::kVirtioStatus, Status() | abi::kVirtioStatusDriver);
  for (uint32_t i = 0; i < 2; ++i) {
    Set(abi::kVirtioDriverFeaturesSel, i);
    Set(abi::kVirtioDriverFeatures, static_cast<uint32_t>(features >> 32 * i));
  }
  Set(abi::kVirtioStatus, Status() | abi::kVirtioStatusFeaturesOk);
}

void FakeDriver::SetUpQueue(int index, uint16_t queue_size) {
  const FakeQueue& queue = queues_[index];
  Set(abi::kVirtioQueueSel, index);
  Set(abi::kVirtioQueueNum, queue_size);
  Set(abi::kVirtioQueueDescLow, static_cast<uint32_t>(queue.desc()));
  Set(abi::kVirtioQueueDescHigh, static_cast<uint32_t>(queue.desc() >> 32));
  Set(abi::kVirtioQueueDriverLow, static_cast<uint32_t>(queue.avail()));
  Set(abi::kVirtioQueueDriverHigh, static_cast<uint32_t>(queue.avail() >> 32));
  Set(abi::kVirtioQueueDeviceLow, static_cast<uint32_t>(queue.used()));
  Set(abi::kVirtioQueueDeviceHigh, static_cast<uint32_t>(queue.used() >> 32));
  Set(abi::kVirtioQueueReady, 1);
}

void FakeDriver::SetDriverOk() {
  Set(abi::kVirtioStatus, Status() | abi::kVirtioStatusDriverOk);
}

void FakeDriver::Start(uint64_t features, uint16_t queue_size) {
  StartUntilFeatures(features);
  queues_.clear();
  const size_t count = transport_->device().queue_max_sizes().size();
  for (size_t i = 0; i < count; ++i) {
    queues_.emplace_back(memory_, 0x10000 + i * FakeQueue::kFootprint,
                         queue_size);
    SetUpQueue(static_cast<int>(i), queue_size);
  }
  SetDriverOk();
}

void FakeDriver::MoveTo(MmioTransport* transport, GuestMemory* memory) {
  CRVM_CHECK(memory->size() == memory_->size());
  std::memcpy(memory->host_base(), memory_->host_base(), memory->size());
  transport_ = transport;
  memory_ = memory;
  for (FakeQueue& queue : queues_) queue.set_memory(memory);
}

}  // namespace crvm
