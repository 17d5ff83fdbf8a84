// SPDX-License-Identifier: Apache-2.0
//
// DescriptorChain: one request that the guest's driver has queued, as host
// memory: first the buffers that the device reads, then those that it writes
// (virtio 1.2, section 2.7.4). vCPU thread.
//
// Every buffer lies inside guest RAM and stays mapped as long as the
// GuestMemory does. The *contents* belong to the hostile guest and may change
// at any moment: copy a field out once, check the copy, use the copy.
//
//   uint8_t header[16];
//   if (chain.CopyFromReadable(0, header) != sizeof(header)) -> malformed
//   ...
//   size_t n = chain.CopyToWritable(0, reply);
//   queue.Push(chain, n);

#ifndef CRVM_VMM_DEVICES_VIRTIO_DESCRIPTOR_CHAIN_H_
#define CRVM_VMM_DEVICES_VIRTIO_DESCRIPTOR_CHAIN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace crvm {

class DescriptorChain {
 public:
  DescriptorChain(DescriptorChain&&) = default;
  DescriptorChain& operator=(DescriptorChain&&) = default;
  DescriptorChain(const DescriptorChain&) = delete;
  DescriptorChain& operator=(const DescriptorChain&) = delete;

  // The index of the first descriptor: names the chain within its queue.
  uint16_t head() const { return head_; }

  // No empty spans in either list.
  const std::vector<absl::Span<const uint8_t>>& readable() const {
    return readable_;
  }
  const std::vector<absl::Span<uint8_t>>& writable() const { return writable_; }
  size_t readable_bytes() const { return readable_bytes_; }
  size_t writable_bytes() const { return writable_bytes_; }

  // Copies from byte `offset` of the readable part until `out` is full or the
  // part ends; returns the number of bytes copied.
  size_t CopyFromReadable(size_t offset, absl::Span<uint8_t> out) const;

  // Copies into the writable part from byte `offset` on until `in` or the part
  // ends; returns the number of bytes copied.
  size_t CopyToWritable(size_t offset, absl::Span<const uint8_t> in) const;

 private:
  friend class Virtqueue;
  explicit DescriptorChain(uint16_t head) : head_(head) {}

  uint16_t head_;
  std::vector<absl::Span<const uint8_t>> readable_;
  std::vector<absl::Span<uint8_t>> writable_;
  size_t readable_bytes_ = 0;
  size_t writable_bytes_ = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_VIRTIO_DESCRIPTOR_CHAIN_H_
