// SPDX-License-Identifier: Apache-2.0
//
// User memory in hosted tests: user addresses are host addresses; the copies go
// through process_vm_readv and _writev on this very process, so bad pointers
// give EFAULT.
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "guestkernel/arch/arch.h"
#include "guestkernel/arch/user_copy.h"

namespace gk {
namespace {

// Bytes that could be moved between this process's memory and itself.
size_t TransferMemory(bool write, void* kernel, uint64_t user, size_t n) {
  if (n == 0) return 0;
  if (user >= crvm::abi::kUserEnd) return 0;
  n = std::min<uint64_t>(n, crvm::abi::kUserEnd - user);
  auto* at = static_cast<char*>(kernel);
  size_t done = 0;
  while (done < n) {  // page by page: the call itself stops at whole iovecs
    size_t step = std::min<size_t>(n - done, 4096 - ((user + done) & 4095));
    iovec local = {at + done, step};
    iovec remote = {reinterpret_cast<void*>(user + done), step};
    ssize_t moved = write
                        ? process_vm_writev(getpid(), &local, 1, &remote, 1, 0)
                        : process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    if (moved != static_cast<ssize_t>(step)) break;
    done += step;
  }
  return done;
}

template <typename Modify>
Result<uint32_t> UpdateUser32(UserAddress at, Modify modify) {
  uint32_t old;
  GK_RETURN_IF_ERROR(CopyFromUser(&old, at, sizeof(old)));
  uint32_t updated = modify(old);
  GK_RETURN_IF_ERROR(CopyToUser(at, &updated, sizeof(updated)));
  return old;
}

}  // namespace

size_t CopyFromUserPartial(void* to, UserAddress from, size_t n) {
  return TransferMemory(false, to, from.value, n);
}
size_t CopyToUserPartial(UserAddress to, const void* from, size_t n) {
  return TransferMemory(true, const_cast<void*>(from), to.value, n);
}
int CopyFromUser(void* to, UserAddress from, size_t n) {
  return CopyFromUserPartial(to, from, n) == n ? 0 : -EFAULT;
}
int CopyToUser(UserAddress to, const void* from, size_t n) {
  return CopyToUserPartial(to, from, n) == n ? 0 : -EFAULT;
}
int ZeroUser(UserAddress to, size_t n) {
  std::vector<char> zeros(n);
  return CopyToUser(to, zeros.data(), n);
}
Result<KString> CopyStringFromUser(UserAddress from, size_t max) {
  KString text;
  for (size_t i = 0; i < max; ++i) {
    char c;
    GK_RETURN_IF_ERROR(CopyFromUser(&c, from + i, 1));
    if (c == 0) return text;
    GK_RETURN_IF_ERROR(text.Append(StringView(&c, 1)));
  }
  return Error(-ENAMETOOLONG);
}

Result<uint32_t> UserCompareExchange32(UserAddress at, uint32_t expected,
                                       uint32_t desired) {
  return UpdateUser32(
      at, [=](uint32_t old) { return old == expected ? desired : old; });
}
Result<uint32_t> UserExchange32(UserAddress at, uint32_t value) {
  return UpdateUser32(at, [=](uint32_t) { return value; });
}
Result<uint32_t> UserFetchAdd32(UserAddress at, uint32_t value) {
  return UpdateUser32(at, [=](uint32_t old) { return old + value; });
}
Result<uint32_t> UserFetchOr32(UserAddress at, uint32_t value) {
  return UpdateUser32(at, [=](uint32_t old) { return old | value; });
}
Result<uint32_t> UserFetchAnd32(UserAddress at, uint32_t value) {
  return UpdateUser32(at, [=](uint32_t old) { return old & value; });
}
Result<uint32_t> UserFetchXor32(UserAddress at, uint32_t value) {
  return UpdateUser32(at, [=](uint32_t old) { return old ^ value; });
}
Result<uint32_t> UserLoad32(UserAddress at) { return ReadUser<uint32_t>(at); }

}  // namespace gk
