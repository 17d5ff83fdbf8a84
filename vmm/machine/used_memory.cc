// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/used_memory.h"

#include <algorithm>

#include "guestkernel/abi/shared_pages.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// Frames from GPA 0 whose state is known, and where their bits are; no bits
// when the kernel has not told or has told nonsense.
absl::Span<const uint8_t> FrameBits(const GuestMemory& memory) {
  auto info = memory.Read<abi::KernelInfo>(GuestAddress(abi::kKernelInfoGpa));
  if (!info.ok() || info->magic != abi::kBootInfoMagic) return {};
  uint64_t frames = memory.size() / abi::kPageSize;
  uint64_t count = std::min(info->frame_bitmap_bits, frames);
  count = std::min(count, info->frame_watermark);
  auto bits =
      memory.Slice(GuestAddress(info->frame_bitmap_gpa), (count + 7) / 8);
  if (!bits.ok()) return {};
  return *bits;
}

bool BitIsSet(absl::Span<const uint8_t> bits, uint64_t i) {
  return bits[i / 8] >> (i % 8) & 1;
}

}  // namespace

absl::Status UsedMemory::ForEachInUse(const RangeCallback& callback) {
  absl::Span<const uint8_t> bits = FrameBits(*memory_);
  auto emit = [&](uint64_t first, uint64_t end) -> absl::Status {
    if (first == end) return absl::OkStatus();
    CRVM_ASSIGN_OR_RETURN(auto bytes,
                          memory_->Slice(GuestAddress(first * abi::kPageSize),
                                         (end - first) * abi::kPageSize));
    return callback(first * abi::kPageSize, bytes);
  };
  if (bits.empty()) return emit(0, memory_->size() / abi::kPageSize);
  uint64_t frames = std::min(bits.size() * 8, memory_->size() / abi::kPageSize);
  for (uint64_t i = 0; i < frames;) {
    if (bits[i / 8] == 0 && i % 8 == 0) {
      i += 8;
      continue;
    }
    if (!BitIsSet(bits, i)) {
      ++i;
      continue;
    }
    uint64_t first = i;
    while (i < frames && BitIsSet(bits, i)) ++i;
    CRVM_RETURN_IF_ERROR(emit(first, i));
  }
  return absl::OkStatus();
}

uint64_t UsedMemory::Bytes() {
  uint64_t total = 0;
  auto status = ForEachInUse([&total](uint64_t, absl::Span<const uint8_t> s) {
    total += s.size();
    return absl::OkStatus();
  });
  return status.ok() ? total : memory_->size();
}

}  // namespace crvm
