// SPDX-License-Identifier: Apache-2.0
//
// One round of the main thread's loop: everybody says what to wait for, one
// poll(2), everybody is told. Made anew each round, so nobody has to take back
// what no longer holds. Main thread.

#ifndef CRVM_CLI_BASE_POLL_SET_H_
#define CRVM_CLI_BASE_POLL_SET_H_

#include <poll.h>

#include <functional>
#include <vector>

#include "absl/status/status.h"

namespace crvm {

class PollSet {
 public:
  // Calls handler(revents) when one of `events`, or an error, is there. What
  // the handler uses must live until the end of the round. A negative `fd` is
  // ignored.
  void Add(int fd, short events, std::function<void(short revents)> handler);

  // Waits, at most `timeout_ms` if that is not negative, and dispatches.
  absl::Status Run(int timeout_ms);

 private:
  std::vector<pollfd> items_;
  std::vector<std::function<void(short)>> handlers_;
};

// Something that takes part in the loop.
class PollSource {
 public:
  virtual ~PollSource() = default;
  virtual void AddTo(PollSet& set) = 0;
};

}  // namespace crvm

#endif  // CRVM_CLI_BASE_POLL_SET_H_
