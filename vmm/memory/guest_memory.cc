// SPDX-License-Identifier: Apache-2.0
//
// See guest_memory.h. Runs on whichever thread creates or discards memory;
// trusts only the host kernel.

#include "vmm/memory/guest_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "vmm/base/errno_status.h"

namespace crvm {
namespace {

constexpr uint64_t kHugePageSize = uint64_t{2} << 20;

}  // namespace

absl::StatusOr<GuestMemory> GuestMemory::Create(uint64_t size) {
  if (size == 0 || size % kPageSize != 0 || size > kMaxSize) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "guest memory of %d bytes is not possible: use a multiple of 4096 "
        "bytes, at most 256 GiB",
        size));
  }
  // mmap() aligns to 4 KiB only: map 2 MiB more and trim both ends.
  const uint64_t reserved = size + kHugePageSize;
  void* raw = mmap(nullptr, reserved, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) {
    return ErrnoStatus(
        errno, absl::StrCat("cannot map ", size >> 20, " MiB of guest memory"));
  }
  uint8_t* start = static_cast<uint8_t*>(raw);
  const uint64_t misalignment =
      reinterpret_cast<uintptr_t>(start) % kHugePageSize;
  const uint64_t head = misalignment == 0 ? 0 : kHugePageSize - misalignment;
  uint8_t* base = start + head;
  if (head > 0) munmap(start, head);
  munmap(base + size, kHugePageSize - head);
  // Advice only: a host without transparent huge pages is slower, not broken.
  madvise(base, size, MADV_HUGEPAGE);
  // A core dump of the VMM must not hold the guest's memory.
  madvise(base, size, MADV_DONTDUMP);
  return GuestMemory(base, size);
}

GuestMemory::GuestMemory(GuestMemory&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

GuestMemory& GuestMemory::operator=(GuestMemory&& other) noexcept {
  if (this != &other) {
    Unmap();
    base_ = std::exchange(other.base_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

GuestMemory::~GuestMemory() { Unmap(); }

void GuestMemory::Unmap() {
  if (base_ != nullptr) munmap(base_, size_);
  base_ = nullptr;
  size_ = 0;
}

absl::Status GuestMemory::Discard(GuestAddress address, uint64_t length) {
  if (!Contains(address, length)) return OutOfRange(address, length);
  if (!address.IsAligned(kPageSize) || length % kPageSize != 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("cannot discard guest memory at 0x%x, length 0x%x: "
                        "not whole pages",
                        address.value(), length));
  }
  if (length == 0) return absl::OkStatus();
  if (madvise(base_ + address.value(), length, MADV_DONTNEED) != 0) {
    return ErrnoStatus(errno, "cannot discard guest memory");
  }
  return absl::OkStatus();
}

absl::Status GuestMemory::OutOfRange(GuestAddress address, uint64_t length) {
  return absl::OutOfRangeError(
      absl::StrFormat("guest-physical range 0x%x, length 0x%x, is outside RAM",
                      address.value(), length));
}

}  // namespace crvm
