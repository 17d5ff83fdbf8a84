// SPDX-License-Identifier: Apache-2.0
//
// GuestMemory: the one RAM region of a VM, guest-physical 0 up to size().
//
// Lazily backed private anonymous memory (MAP_NORESERVE: `--memory` may exceed
// what the host has free), aligned and advised for 2 MiB host pages, which make
// first touches and snapshot instants cheap.
//
// Threads: the mapping never moves or shrinks while the object lives, so every
// thread may translate addresses. The bytes are shared with the running guest:
// whoever reads a field that the guest can change copies it once and checks the
// copy. Addresses and lengths come from the guest and are never trusted; a bad
// one is an OutOfRange status, never a crash.

#ifndef CRVM_VMM_MEMORY_GUEST_MEMORY_H_
#define CRVM_VMM_MEMORY_GUEST_MEMORY_H_

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "vmm/memory/guest_address.h"

namespace crvm {

class GuestMemory {
 public:
  // 4 KiB: the granule of Create() and Discard().
  static constexpr uint64_t kPageSize = 4096;
  // The largest RAM: everything from here up is MMIO (guestkernel/abi).
  static constexpr uint64_t kMaxSize = uint64_t{1} << 38;

  // `size` must be a positive multiple of kPageSize, at most kMaxSize.
  static absl::StatusOr<GuestMemory> Create(uint64_t size);

  GuestMemory(GuestMemory&& other) noexcept;
  GuestMemory& operator=(GuestMemory&& other) noexcept;
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;
  ~GuestMemory();

  uint64_t size() const { return size_; }

  // Host address of guest-physical 0; 2 MiB aligned.
  uint8_t* host_base() const { return base_; }

  // Whether [address, address + length) lies wholly inside RAM.
  bool Contains(GuestAddress address, uint64_t length) const {
    return length <= size_ && address.value() <= size_ - length;
  }

  // The host bytes of [address, address + length), all of it inside RAM.
  absl::StatusOr<absl::Span<uint8_t>> Slice(GuestAddress address,
                                            uint64_t length) const {
    if (!Contains(address, length)) return OutOfRange(address, length);
    return absl::MakeSpan(base_ + address.value(), length);
  }

  // One copy of a T out of guest memory; any alignment.
  template <typename T>
  absl::StatusOr<T> Read(GuestAddress address) const {
    static_assert(std::is_trivially_copyable_v<T>);
    if (!Contains(address, sizeof(T))) return OutOfRange(address, sizeof(T));
    T value;
    std::memcpy(&value, base_ + address.value(), sizeof(T));
    return value;
  }

  template <typename T>
  absl::Status Write(GuestAddress address, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (!Contains(address, sizeof(T))) return OutOfRange(address, sizeof(T));
    std::memcpy(base_ + address.value(), &value, sizeof(T));
    return absl::OkStatus();
  }

  // Gives the pages back to the host; they read as zero afterwards. `address`
  // and `length` must be multiples of kPageSize.
  absl::Status Discard(GuestAddress address, uint64_t length);

 private:
  GuestMemory(uint8_t* base, uint64_t size) : base_(base), size_(size) {}
  static absl::Status OutOfRange(GuestAddress address, uint64_t length);
  void Unmap();

  uint8_t* base_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_MEMORY_GUEST_MEMORY_H_
