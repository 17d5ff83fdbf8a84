// SPDX-License-Identifier: Apache-2.0
//
// Reads from a host file descriptor that others share, without blocking and
// without making it non-blocking for them; the counterpart of HostOutput in
// vmm/devices/console, by the same means. Main thread.

#ifndef CRVM_CLI_SESSION_HOST_INPUT_H_
#define CRVM_CLI_SESSION_HOST_INPUT_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

class HostInput {
 public:
  enum class Result { kData, kNothingYet, kEnd };

  // `fd` stays the caller's and open.
  explicit HostInput(int fd);

  // Reads at most buffer.size() bytes; *length says how many. kEnd at end of
  // file and for errors, which for a terminal mean that it is gone.
  Result Read(absl::Span<uint8_t> buffer, size_t* length);

  // The descriptor to poll for POLLIN.
  int poll_fd() const { return own_.valid() ? own_.get() : fd_; }

 private:
  const int fd_;
  UniqueFd own_;
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_HOST_INPUT_H_
