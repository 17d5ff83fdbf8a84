// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/arch/user_copy.h"

#include <cstdint>

#include "guestkernel/abi/layout.h"

namespace gk {
namespace {

extern "C" {  // entry.S; each survives faults on its user operand
uint64_t UserCopyAsm(void* to, const void* from, uint64_t n);
uint64_t UserZeroAsm(void* to, uint64_t n);
int64_t UserCmpxchg32Asm(uint64_t at, uint32_t expected, uint32_t desired);
int64_t UserXchg32Asm(uint64_t at, uint32_t value);
int64_t UserXadd32Asm(uint64_t at, uint32_t value);
int64_t UserLoad32Asm(uint64_t at);
}

bool IsUserRange(UserAddress at, size_t n) {
  return at.value < crvm::abi::kUserEnd && n <= crvm::abi::kUserEnd - at.value;
}

// How much of [at, at + n) is below the end of user addresses.
size_t UserPart(UserAddress at, size_t n) {
  if (at.value >= crvm::abi::kUserEnd) return 0;
  uint64_t room = crvm::abi::kUserEnd - at.value;
  return n < room ? n : room;
}

void* Pointer(UserAddress at) { return reinterpret_cast<void*>(at.value); }

Result<uint32_t> OldValue(int64_t result) {
  if (result < 0) return Error(-EFAULT);
  return static_cast<uint32_t>(result);
}

// Applies `update` until no other thread was in between.
template <typename Update>
Result<uint32_t> FetchAndUpdate(UserAddress at, Update update) {
  GK_ASSIGN_OR_RETURN(uint32_t old, UserLoad32(at));
  for (;;) {
    GK_ASSIGN_OR_RETURN(uint32_t seen,
                        UserCompareExchange32(at, old, update(old)));
    if (seen == old) return old;
    old = seen;
  }
}

}  // namespace

size_t CopyFromUserPartial(void* to, UserAddress from, size_t n) {
  size_t part = UserPart(from, n);
  return part - UserCopyAsm(to, Pointer(from), part);
}

size_t CopyToUserPartial(UserAddress to, const void* from, size_t n) {
  size_t part = UserPart(to, n);
  return part - UserCopyAsm(Pointer(to), from, part);
}

int CopyFromUser(void* to, UserAddress from, size_t n) {
  return CopyFromUserPartial(to, from, n) == n ? 0 : -EFAULT;
}

int CopyToUser(UserAddress to, const void* from, size_t n) {
  if (!IsUserRange(to, n)) return -EFAULT;
  return CopyToUserPartial(to, from, n) == n ? 0 : -EFAULT;
}

int ZeroUser(UserAddress to, size_t n) {
  if (!IsUserRange(to, n)) return -EFAULT;
  return UserZeroAsm(Pointer(to), n) == 0 ? 0 : -EFAULT;
}

Result<KString> CopyStringFromUser(UserAddress from, size_t max) {
  KString text;
  char chunk[256];
  while (text.size() < max) {
    // Up to the next 256-byte boundary, so that no copy crosses a page.
    size_t want = 256 - (from.value & 255);
    size_t got = CopyFromUserPartial(chunk, from, want);
    StringView part(chunk, got);
    size_t end = part.Find('\0');
    if (end != ~size_t{0}) part = part.substr(0, end);
    if (text.size() + part.size() >= max) return Error(-ENAMETOOLONG);
    GK_RETURN_IF_ERROR(text.Append(part));
    if (end != ~size_t{0}) return text;
    if (got < want) return Error(-EFAULT);
    from = from + got;
  }
  return Error(-ENAMETOOLONG);
}

Result<uint32_t> UserCompareExchange32(UserAddress at, uint32_t expected,
                                       uint32_t desired) {
  if (!IsUserRange(at, 4)) return Error(-EFAULT);
  return OldValue(UserCmpxchg32Asm(at.value, expected, desired));
}
Result<uint32_t> UserExchange32(UserAddress at, uint32_t value) {
  if (!IsUserRange(at, 4)) return Error(-EFAULT);
  return OldValue(UserXchg32Asm(at.value, value));
}
Result<uint32_t> UserFetchAdd32(UserAddress at, uint32_t value) {
  if (!IsUserRange(at, 4)) return Error(-EFAULT);
  return OldValue(UserXadd32Asm(at.value, value));
}
Result<uint32_t> UserLoad32(UserAddress at) {
  if (!IsUserRange(at, 4)) return Error(-EFAULT);
  return OldValue(UserLoad32Asm(at.value));
}
Result<uint32_t> UserFetchOr32(UserAddress at, uint32_t value) {
  return FetchAndUpdate(at, [value](uint32_t old) { return old | value; });
}
Result<uint32_t> UserFetchAnd32(UserAddress at, uint32_t value) {
  return FetchAndUpdate(at, [value](uint32_t old) { return old & value; });
}
Result<uint32_t> UserFetchXor32(UserAddress at, uint32_t value) {
  return FetchAndUpdate(at, [value](uint32_t old) { return old ^ value; });
}

}  // namespace gk
