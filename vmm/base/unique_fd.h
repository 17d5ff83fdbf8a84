// SPDX-License-Identifier: Apache-2.0
//
// UniqueFd owns one file descriptor and closes it. Move-only.
// Not thread-safe; any thread may own one.

#ifndef CRVM_VMM_BASE_UNIQUE_FD_H_
#define CRVM_VMM_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace crvm {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

  // Gives up ownership; the caller closes the descriptor.
  int release() { return std::exchange(fd_, -1); }

  // Closes the owned descriptor, if any, and takes `fd`. Linux frees the
  // descriptor even when close() reports an error, so it is never retried.
  void reset(int fd = -1) {
    int old = std::exchange(fd_, fd);
    if (old >= 0) close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace crvm

#endif  // CRVM_VMM_BASE_UNIQUE_FD_H_
