// SPDX-License-Identifier: Apache-2.0
//
// See virtqueue.h.

#include "vmm/devices/virtio/virtqueue.h"

#include <cstring>

#include "absl/strings/str_format.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr uint32_t kStateVersion = 1;

bool IsPowerOfTwo(uint16_t n) { return n != 0 && (n & (n - 1)) == 0; }

// One atomic access each: the guest may run on another thread meanwhile.
uint16_t LoadAcquire16(const uint8_t* at) {
  return __atomic_load_n(reinterpret_cast<const uint16_t*>(at),
                         __ATOMIC_ACQUIRE);
}

void StoreRelease16(uint8_t* at, uint16_t value) {
  __atomic_store_n(reinterpret_cast<uint16_t*>(at), value, __ATOMIC_RELEASE);
}

// A private copy of one descriptor, so that what is checked is what is used.
abi::VirtqDesc CopyDescriptor(const uint8_t* table, uint16_t index) {
  abi::VirtqDesc desc;
  const volatile uint64_t* from = reinterpret_cast<const volatile uint64_t*>(
      table + sizeof(abi::VirtqDesc) * index);
  const uint64_t words[2] = {from[0], from[1]};
  static_assert(sizeof(words) == sizeof(desc));
  std::memcpy(&desc, words, sizeof(desc));
  return desc;
}

absl::StatusOr<uint8_t*> MapArea(const GuestMemory& memory, const char* what,
                                 uint64_t address, uint64_t bytes,
                                 uint64_t alignment) {
  if (!GuestAddress(address).IsAligned(alignment)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s at 0x%x is misaligned", what, address));
  }
  auto slice = memory.Slice(GuestAddress(address), bytes);
  if (!slice.ok()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %s", what, slice.status().message()));
  }
  return slice->data();
}

}  // namespace

absl::Status Virtqueue::Configure(uint16_t size, GuestAddress desc,
                                  GuestAddress avail, GuestAddress used) {
  VirtqueueState state;
  state.ready = true;
  state.size = size;
  state.desc = desc.value();
  state.avail = avail.value();
  state.used = used.value();
  return RestoreState(state);
}

void Virtqueue::Reset() {
  state_ = VirtqueueState();
  desc_ = avail_ = used_ = nullptr;
}

absl::Status Virtqueue::RestoreState(const VirtqueueState& state) {
  Reset();
  if (!state.ready) return absl::OkStatus();
  CRVM_RETURN_IF_ERROR(MapRings(state));
  state_ = state;
  return absl::OkStatus();
}

absl::Status Virtqueue::MapRings(const VirtqueueState& state) {
  if (!IsPowerOfTwo(state.size) || state.size > max_size_) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "queue size %d is not a power of two up to %d", state.size, max_size_));
  }
  if (state.in_flight > state.size) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%d chains in flight in a queue of %d", state.in_flight, state.size));
  }
  CRVM_ASSIGN_OR_RETURN(
      uint8_t * desc,
      MapArea(*memory_, "descriptor table", state.desc,
              abi::VirtqDescBytes(state.size), abi::kVirtqDescAlign));
  CRVM_ASSIGN_OR_RETURN(
      uint8_t * avail,
      MapArea(*memory_, "available ring", state.avail,
              abi::VirtqAvailBytes(state.size), abi::kVirtqAvailAlign));
  CRVM_ASSIGN_OR_RETURN(
      uint8_t * used,
      MapArea(*memory_, "used ring", state.used,
              abi::VirtqUsedBytes(state.size), abi::kVirtqUsedAlign));
  desc_ = desc;
  avail_ = avail;
  used_ = used;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<DescriptorChain>> Virtqueue::Pop() {
  if (!state_.ready) return std::nullopt;
  const uint16_t avail_index =
      LoadAcquire16(avail_ + offsetof(abi::VirtqAvailHeader, idx));
  const uint16_t waiting = avail_index - state_.next_avail;
  if (waiting == 0) return std::nullopt;
  if (waiting > state_.size) {
    return absl::InvalidArgumentError(
        absl::StrFormat("available index %d is %d ahead in a queue of %d",
                        avail_index, waiting, state_.size));
  }
  // An honest driver cannot have more chains out than there are descriptors;
  // this bounds what a device keeps for a driver that offers one twice.
  if (state_.in_flight >= state_.size) {
    return absl::InvalidArgumentError("more chains offered than descriptors");
  }
  const uint16_t slot = state_.next_avail & (state_.size - 1);
  const uint16_t head = LoadAcquire16(avail_ + sizeof(abi::VirtqAvailHeader) +
                                      sizeof(uint16_t) * slot);
  CRVM_ASSIGN_OR_RETURN(DescriptorChain chain, Walk(head));
  ++state_.next_avail;
  ++state_.in_flight;
  return std::optional<DescriptorChain>(std::move(chain));
}

absl::StatusOr<DescriptorChain> Virtqueue::Reload(uint16_t head) {
  if (!state_.ready) {
    return absl::InvalidArgumentError("a chain of a queue that is not ready");
  }
  return Walk(head);
}

absl::StatusOr<DescriptorChain> Virtqueue::Walk(uint16_t head) const {
  DescriptorChain chain(head);
  uint16_t index = head;
  // A chain visits no descriptor twice, so `size` steps are enough for any
  // that has no loop (section 2.7.5.2).
  for (uint16_t steps = 0; steps < state_.size; ++steps) {
    if (index >= state_.size) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "descriptor index %d in a queue of %d", index, state_.size));
    }
    const abi::VirtqDesc desc = CopyDescriptor(desc_, index);
    if (desc.flags & abi::kVirtqDescIndirect) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "descriptor %d is indirect, which was not offered", index));
    }
    CRVM_ASSIGN_OR_RETURN(absl::Span<uint8_t> buffer,
                          memory_->Slice(GuestAddress(desc.addr), desc.len));
    const bool is_writable = (desc.flags & abi::kVirtqDescWrite) != 0;
    if (!is_writable && chain.writable_bytes_ > 0) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "descriptor %d is readable but follows a writable one", index));
    }
    if (chain.readable_bytes_ + chain.writable_bytes_ + buffer.size() >
        kMaxChainBytes) {
      return absl::InvalidArgumentError(
          absl::StrFormat("chain at descriptor %d is too long", head));
    }
    if (is_writable) {
      if (!buffer.empty()) chain.writable_.push_back(buffer);
      chain.writable_bytes_ += buffer.size();
    } else {
      if (!buffer.empty()) chain.readable_.push_back(buffer);
      chain.readable_bytes_ += buffer.size();
    }
    if (!(desc.flags & abi::kVirtqDescNext)) return chain;
    index = desc.next;
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("chain at descriptor %d has a loop", head));
}

absl::Status Virtqueue::Push(const DescriptorChain& chain, uint32_t written) {
  if (!state_.ready || state_.in_flight == 0) {
    return absl::InternalError("a chain was pushed that is not in flight");
  }
  if (written > chain.writable_bytes()) {
    return absl::InternalError(
        absl::StrFormat("%d bytes reported in a writable part of %d", written,
                        chain.writable_bytes()));
  }
  const uint16_t slot = state_.next_used & (state_.size - 1);
  const abi::VirtqUsedElem elem = {chain.head(), written};
  std::memcpy(
      used_ + sizeof(abi::VirtqUsedHeader) + sizeof(abi::VirtqUsedElem) * slot,
      &elem, sizeof(elem));
  ++state_.next_used;
  --state_.in_flight;
  state_.interrupt_due = true;
  StoreRelease16(used_ + offsetof(abi::VirtqUsedHeader, idx), state_.next_used);
  return absl::OkStatus();
}

bool Virtqueue::NeedsInterrupt() {
  if (!state_.ready || !state_.interrupt_due) return false;
  state_.interrupt_due = false;
  // The used index must be visible before the flag is read, else driver and
  // device can each miss the other's write (section 2.7.7.2).
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  const uint16_t flags =
      LoadAcquire16(avail_ + offsetof(abi::VirtqAvailHeader, flags));
  return (flags & abi::kVirtqAvailNoInterrupt) == 0;
}

void Encode(const VirtqueueState& state, StateWriter& writer) {
  writer.U32(kStateVersion);
  writer.Bool(state.ready);
  writer.Bool(state.interrupt_due);
  writer.U16(state.size);
  writer.U16(state.next_avail);
  writer.U16(state.next_used);
  writer.U16(state.in_flight);
  writer.U64(state.desc);
  writer.U64(state.avail);
  writer.U64(state.used);
}

absl::StatusOr<VirtqueueState> DecodeVirtqueueState(StateReader& reader) {
  CRVM_ASSIGN_OR_RETURN(const uint32_t version, reader.U32());
  if (version != kStateVersion) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "virtqueue state has version %d; this crvm reads version %d", version,
        kStateVersion));
  }
  VirtqueueState state;
  CRVM_ASSIGN_OR_RETURN(state.ready, reader.Bool());
  CRVM_ASSIGN_OR_RETURN(state.interrupt_due, reader.Bool());
  CRVM_ASSIGN_OR_RETURN(state.size, reader.U16());
  CRVM_ASSIGN_OR_RETURN(state.next_avail, reader.U16());
  CRVM_ASSIGN_OR_RETURN(state.next_used, reader.U16());
  CRVM_ASSIGN_OR_RETURN(state.in_flight, reader.U16());
  CRVM_ASSIGN_OR_RETURN(state.desc, reader.U64());
  CRVM_ASSIGN_OR_RETURN(state.avail, reader.U64());
  CRVM_ASSIGN_OR_RETURN(state.used, reader.U64());
  return state;
}

}  // namespace crvm
