// SPDX-License-Identifier: Apache-2.0
//
// UserIo: a cursor over the memory that a read fills or a write takes: one
// buffer or an iovec array, the program's or the kernel's. All file
// implementations move data through it only.
#ifndef CRVM_GUESTKERNEL_FS_USER_IO_H_
#define CRVM_GUESTKERNEL_FS_USER_IO_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/arch/user_copy.h"
#include "guestkernel/lib/vector.h"

namespace gk {

struct IoVec {  // struct iovec of the ABI
  uint64_t base;
  uint64_t length;
};
static_assert(sizeof(IoVec) == 16);

// What one call moves at most (MAX_RW_COUNT: INT_MAX rounded down to a page).
inline constexpr size_t kMaxIoLength = 0x7ffff000;

class UserIo {
 public:
  static UserIo User(UserAddress base, size_t length);
  static UserIo Kernel(void* base, size_t length);
  // Reads `count` iovecs from the program. -EINVAL (count > 1024, total
  // overflow), -EFAULT, -ENOMEM.
  static Result<UserIo> FromIovecs(UserAddress vectors, size_t count);

  UserIo(UserIo&&) = default;
  UserIo& operator=(UserIo&&) = default;

  size_t remaining() const { return remaining_; }
  size_t done() const { return done_; }
  // Limits what remains to n bytes.
  void LimitTo(size_t n) {
    if (n < remaining_) remaining_ = n;
  }
  // To the reader's memory. Bytes moved (possibly fewer than n at a bad address
  // or the end); -EFAULT when none could be although n > 0 and something
  // remained.
  int64_t CopyOut(const void* from, size_t n);
  int64_t ZeroOut(size_t n);
  // From the writer's memory; same results.
  int64_t CopyIn(void* to, size_t n);
  // Steps back over the last n bytes moved (which are within `done`), for
  // writers that could not store what they took.
  void Rewind(size_t n);

 private:
  enum class Direction { kOut, kZero, kIn };
  UserIo() = default;
  int64_t Transfer(Direction direction, char* kernel, size_t n);

  bool is_user_ = false;
  IoVec single_ = {};
  Vector<IoVec> vectors_;  // empty: `single_` only
  size_t remaining_ = 0;
  size_t done_ = 0;
  size_t index_ = 0;   // current vector
  size_t offset_ = 0;  // within it
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_USER_IO_H_
