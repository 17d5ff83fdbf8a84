// SPDX-License-Identifier: Apache-2.0
//
// Wakes the main thread's poll from another thread. Notify is thread-safe and
// async-signal-safe.

#ifndef CRVM_CLI_BASE_WAKE_FD_H_
#define CRVM_CLI_BASE_WAKE_FD_H_

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "vmm/base/check.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

class WakeFd {
 public:
  WakeFd() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    CRVM_CHECK(fd_.valid());
  }

  void Notify() const {
    const uint64_t one = 1;
    (void)!write(fd_.get(), &one, sizeof(one));
  }
  // Takes back all notifications so far.
  void Clear() const {
    uint64_t count;
    (void)!read(fd_.get(), &count, sizeof(count));
  }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace crvm

#endif  // CRVM_CLI_BASE_WAKE_FD_H_
