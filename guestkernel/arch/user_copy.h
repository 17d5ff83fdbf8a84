// SPDX-License-Identifier: Apache-2.0
//
// The only way to touch a program's memory: copies that survive bad addresses.
// A fault inside them is handled as the program's own would be (paged in,
// copied on write), and what cannot be handled ends the copy with -EFAULT.
// Addresses at or beyond abi::kUserEnd are refused. Hosted builds copy plainly
// (UserAddress = a host pointer).
#ifndef CRVM_GUESTKERNEL_ARCH_USER_COPY_H_
#define CRVM_GUESTKERNEL_ARCH_USER_COPY_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/lib/result.h"
#include "guestkernel/lib/string.h"

namespace gk {

// An address in the current program's address space. Never dereferenced.
struct UserAddress {
  uint64_t value = 0;
  constexpr UserAddress() = default;
  constexpr explicit UserAddress(uint64_t v) : value(v) {}
  constexpr bool is_null() const { return value == 0; }
  constexpr UserAddress operator+(uint64_t n) const {
    return UserAddress(value + n);
  }
  friend constexpr bool operator==(UserAddress, UserAddress) = default;
};

// 0 or -EFAULT; on failure part may have been copied.
[[nodiscard]] int CopyFromUser(void* to, UserAddress from, size_t n);
[[nodiscard]] int CopyToUser(UserAddress to, const void* from, size_t n);
[[nodiscard]] int ZeroUser(UserAddress to, size_t n);
// Copies as much as possible; the number of bytes copied (0..n). For read/write
// style partial results.
size_t CopyFromUserPartial(void* to, UserAddress from, size_t n);
size_t CopyToUserPartial(UserAddress to, const void* from, size_t n);
// Without the NUL. -EFAULT; -ENAMETOOLONG when no NUL within max bytes.
Result<KString> CopyStringFromUser(UserAddress from, size_t max);

template <typename T>
Result<T> ReadUser(UserAddress from) {
  T value;
  GK_RETURN_IF_ERROR(CopyFromUser(&value, from, sizeof(value)));
  return value;
}
template <typename T>
[[nodiscard]] int WriteUser(UserAddress to, const T& value) {
  return CopyToUser(to, &value, sizeof(value));
}

// Atomic operations on a user word that may fault (futex). The old value, or
// -EFAULT.
Result<uint32_t> UserCompareExchange32(UserAddress at, uint32_t expected,
                                       uint32_t desired);
Result<uint32_t> UserExchange32(UserAddress at, uint32_t value);
Result<uint32_t> UserFetchAdd32(UserAddress at, uint32_t value);
Result<uint32_t> UserFetchOr32(UserAddress at, uint32_t value);
Result<uint32_t> UserFetchAnd32(UserAddress at, uint32_t value);
Result<uint32_t> UserFetchXor32(UserAddress at, uint32_t value);
Result<uint32_t> UserLoad32(UserAddress at);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_ARCH_USER_COPY_H_
