// SPDX-License-Identifier: Apache-2.0
//
// UserIo: moving bytes between the kernel and the buffers of one call. Under
// the kernel lock; trusts no address or length from the program.
#include "guestkernel/fs/user_io.h"

#include "guestkernel/abi/layout.h"

namespace gk {

namespace {
constexpr size_t kMaxIovecs = 1024;  // UIO_MAXIOV

template <typename T>
T Min(T a, T b) {
  return a < b ? a : b;
}
}  // namespace

UserIo UserIo::User(UserAddress base, size_t length) {
  UserIo io;
  io.is_user_ = true;
  io.single_ = IoVec{base.value, Min(length, kMaxIoLength)};
  io.remaining_ = io.single_.length;
  return io;
}

UserIo UserIo::Kernel(void* base, size_t length) {
  UserIo io;
  io.single_ = IoVec{reinterpret_cast<uint64_t>(base), length};
  io.remaining_ = length;
  return io;
}

Result<UserIo> UserIo::FromIovecs(UserAddress vectors, size_t count) {
  if (count > kMaxIovecs) return Error(-EINVAL);
  UserIo io;
  io.is_user_ = true;
  if (count == 0) return io;
  GK_RETURN_IF_ERROR(io.vectors_.Resize(count));
  GK_RETURN_IF_ERROR(
      CopyFromUser(io.vectors_.data(), vectors, count * sizeof(IoVec)));
  uint64_t total = 0;
  for (IoVec& vector : io.vectors_) {
    if (static_cast<int64_t>(vector.length) < 0) return Error(-EINVAL);
    if (vector.base > crvm::abi::kUserEnd ||
        vector.length > crvm::abi::kUserEnd - vector.base) {
      return Error(-EFAULT);
    }
    // More than fits into one call is cut off, as Linux does.
    vector.length = Min<uint64_t>(vector.length, kMaxIoLength - total);
    total += vector.length;
  }
  io.remaining_ = total;
  return io;
}

int64_t UserIo::Transfer(Direction direction, char* kernel, size_t n) {
  n = Min(n, remaining_);
  size_t moved = 0;
  while (moved < n) {
    const IoVec& vector = vectors_.empty() ? single_ : vectors_[index_];
    if (offset_ == vector.length) {
      ++index_;
      offset_ = 0;
      continue;
    }
    size_t part = Min<size_t>(n - moved, vector.length - offset_);
    uint64_t at = vector.base + offset_;
    size_t got = part;
    if (!is_user_) {
      void* memory = reinterpret_cast<void*>(at);
      if (direction == Direction::kOut) memcpy(memory, kernel + moved, part);
      if (direction == Direction::kIn) memcpy(kernel + moved, memory, part);
      if (direction == Direction::kZero) memset(memory, 0, part);
    } else if (direction == Direction::kOut) {
      got = CopyToUserPartial(UserAddress(at), kernel + moved, part);
    } else if (direction == Direction::kIn) {
      got = CopyFromUserPartial(kernel + moved, UserAddress(at), part);
    } else if (ZeroUser(UserAddress(at), part) < 0) {
      got = 0;
    }
    offset_ += got;
    moved += got;
    if (got < part) break;
  }
  remaining_ -= moved;
  done_ += moved;
  if (moved == 0 && n > 0) return -EFAULT;
  return static_cast<int64_t>(moved);
}

int64_t UserIo::CopyOut(const void* from, size_t n) {
  return Transfer(Direction::kOut, static_cast<char*>(const_cast<void*>(from)),
                  n);
}

int64_t UserIo::ZeroOut(size_t n) {
  return Transfer(Direction::kZero, nullptr, n);
}

int64_t UserIo::CopyIn(void* to, size_t n) {
  return Transfer(Direction::kIn, static_cast<char*>(to), n);
}

void UserIo::Rewind(size_t n) {
  GK_ASSERT(n <= done_);
  done_ -= n;
  remaining_ += n;
  while (n > offset_) {
    n -= offset_;
    GK_ASSERT(index_ > 0);
    --index_;
    offset_ = vectors_[index_].length;
  }
  offset_ -= n;
}

}  // namespace gk
