// SPDX-License-Identifier: Apache-2.0
//
// HostOutput: writes to a host file descriptor that others share, without ever
// blocking and without making it non-blocking for them.
//
// O_NONBLOCK belongs to the open file description, which crvm shares with the
// parent shell and everything else on the same terminal or pipe, so it may not
// be set there. Instead, by kind:
//  - terminal, pipe, FIFO: a description of our own, non-blocking, by opening
//    /proc/self/fd/N anew; where that fails (another user's pipe, a pty
//    master), poll() and then no more than what a ready descriptor takes at
//    once;
//  - socket: MSG_DONTWAIT;
//  - regular file, /dev/null and the like: plain writes, which do not wait on
//    anybody. They must use the shared description: its offset and O_APPEND
//    are shared.
//
// One thread at a time. The process must ignore SIGPIPE.

#ifndef CRVM_VMM_DEVICES_CONSOLE_HOST_OUTPUT_H_
#define CRVM_VMM_DEVICES_CONSOLE_HOST_OUTPUT_H_

#include <sys/uio.h>

#include <cstddef>

#include "absl/types/span.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

class HostOutput {
 public:
  // One write's outcome: `written` bytes, then maybe `error` (an errno) or
  // would_block. All zero only for an empty write.
  struct Result {
    size_t written = 0;
    int error = 0;
    bool would_block = false;
  };

  // Takes over `fd`, which should be the caller's own dup().
  explicit HostOutput(UniqueFd fd);

  // Writes as much as the descriptor takes right now.
  Result Write(absl::Span<const iovec> buffers);

  // The descriptor to poll for POLLOUT after would_block.
  int poll_fd() const { return own_.valid() ? own_.get() : fd_.get(); }

 private:
  enum class Mode { kPlain, kOwnDescription, kSocket, kPolled };

  static Mode ModeOf(int fd);
  ssize_t WriteOnce(absl::Span<const iovec> buffers) const;
  // -1 with errno EAGAIN if poll() says that a write would block.
  ssize_t WritePolled(absl::Span<const iovec> buffers) const;

  UniqueFd fd_;
  UniqueFd own_;
  Mode mode_;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_CONSOLE_HOST_OUTPUT_H_
