// SPDX-License-Identifier: Apache-2.0
//
// Virtqueue: the device's side of one split virtqueue (virtio 1.2, section
// 2.7). vCPU thread.
//
// The rings live in guest memory and the guest is hostile: every index,
// address, length and link is checked at each use, each field is read once, and
// what would break us is an InvalidArgument status, upon which the transport
// sets DEVICE_NEEDS_RESET. Neither indirect descriptors nor event indexes are
// offered.
//
//   for (;;) {
//     CRVM_ASSIGN_OR_RETURN(std::optional<DescriptorChain> chain, queue.Pop());
//     if (!chain) break;
//     ... use chain->readable(), fill chain->writable() ...
//     CRVM_RETURN_IF_ERROR(queue.Push(*chain, bytes_written));
//   }
//   then VirtioTransport::SignalUsed(queue index)

#ifndef CRVM_VMM_DEVICES_VIRTIO_VIRTQUEUE_H_
#define CRVM_VMM_DEVICES_VIRTIO_VIRTQUEUE_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vmm/base/state_codec.h"
#include "vmm/devices/virtio/descriptor_chain.h"
#include "vmm/memory/guest_address.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

// Everything that must survive a snapshot. The ring contents are guest memory.
struct VirtqueueState {
  bool ready = false;
  bool interrupt_due = false;
  uint16_t size = 0;
  uint16_t next_avail = 0;  // free-running, as the ring indexes are
  uint16_t next_used = 0;
  uint16_t in_flight = 0;  // chains popped and not yet pushed
  uint64_t desc = 0;
  uint64_t avail = 0;
  uint64_t used = 0;
};
void Encode(const VirtqueueState& state, StateWriter& writer);
absl::StatusOr<VirtqueueState> DecodeVirtqueueState(StateReader& reader);

class Virtqueue {
 public:
  // No chain may hold more than this, both parts together.
  static constexpr uint64_t kMaxChainBytes = uint64_t{64} << 20;

  // `memory` must outlive the queue. Queues are not ready until configured.
  Virtqueue(GuestMemory* memory, uint16_t max_size)
      : memory_(memory), max_size_(max_size) {}

  uint16_t max_size() const { return max_size_; }
  bool ready() const { return state_.ready; }
  // Chains popped and not yet pushed.
  uint16_t in_flight() const { return state_.in_flight; }

  // Checks the size and the three areas and makes the queue ready, empty.
  absl::Status Configure(uint16_t size, GuestAddress desc, GuestAddress avail,
                         GuestAddress used);

  // Back to not ready. Chains that are still out must not be pushed any more.
  void Reset();

  // The next chain that the driver has made available, or nullopt. An error
  // means a malformed ring; stop using the queue.
  absl::StatusOr<std::optional<DescriptorChain>> Pop();

  // Returns the chain to the driver with `written` bytes in its writable part.
  absl::Status Push(const DescriptorChain& chain, uint32_t written);

  // After a restore: the chain that a device had popped and not yet pushed.
  // It is checked anew. Does not count as a new chain in flight.
  absl::StatusOr<DescriptorChain> Reload(uint16_t head);

  // Whether the driver must be told of pushes since the last call.
  bool NeedsInterrupt();

  VirtqueueState SaveState() const { return state_; }
  absl::Status RestoreState(const VirtqueueState& state);

 private:
  absl::Status MapRings(const VirtqueueState& state);
  absl::StatusOr<DescriptorChain> Walk(uint16_t head) const;

  GuestMemory* memory_;
  uint16_t max_size_;
  VirtqueueState state_;
  // Host addresses of the three areas; null unless ready. Guest-controlled.
  uint8_t* desc_ = nullptr;
  uint8_t* avail_ = nullptr;
  uint8_t* used_ = nullptr;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_VIRTIO_VIRTQUEUE_H_
