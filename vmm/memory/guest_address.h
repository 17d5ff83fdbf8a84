// SPDX-License-Identifier: Apache-2.0
//
// GuestAddress: a guest-physical address as its own type, so that it cannot be
// mistaken for a host pointer, a length or a guest-virtual address. Any thread;
// a value type. The values come from the hostile guest: arithmetic that could
// wrap is checked, and nothing here turns an address into a pointer (only
// GuestMemory does, after checking it).

#ifndef CRVM_VMM_MEMORY_GUEST_ADDRESS_H_
#define CRVM_VMM_MEMORY_GUEST_ADDRESS_H_

#include <compare>
#include <cstdint>
#include <optional>

namespace crvm {

class GuestAddress {
 public:
  constexpr GuestAddress() = default;
  explicit constexpr GuestAddress(uint64_t value) : value_(value) {}

  constexpr uint64_t value() const { return value_; }

  // This address moved up by `delta`; nullopt if that wraps past 2^64.
  constexpr std::optional<GuestAddress> CheckedAdd(uint64_t delta) const {
    uint64_t sum = 0;
    if (__builtin_add_overflow(value_, delta, &sum)) return std::nullopt;
    return GuestAddress(sum);
  }

  // The distance from `base` up to this address; nullopt if `base` is above.
  constexpr std::optional<uint64_t> CheckedOffsetFrom(GuestAddress base) const {
    if (base.value_ > value_) return std::nullopt;
    return value_ - base.value_;
  }

  // `alignment` must be a power of two.
  constexpr bool IsAligned(uint64_t alignment) const {
    return (value_ & (alignment - 1)) == 0;
  }

  friend constexpr auto operator<=>(GuestAddress, GuestAddress) = default;

 private:
  uint64_t value_ = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_MEMORY_GUEST_ADDRESS_H_
