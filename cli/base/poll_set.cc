// SPDX-License-Identifier: Apache-2.0

#include "cli/base/poll_set.h"

#include <errno.h>

#include <utility>

#include "vmm/base/errno_status.h"

namespace crvm {

void PollSet::Add(int fd, short events, std::function<void(short)> handler) {
  if (fd < 0) return;
  items_.push_back({.fd = fd, .events = events, .revents = 0});
  handlers_.push_back(std::move(handler));
}

absl::Status PollSet::Run(int timeout_ms) {
  const int n = poll(items_.data(), items_.size(), timeout_ms);
  if (n < 0 && errno != EINTR) return ErrnoStatus(errno, "poll");
  for (size_t i = 0; n > 0 && i < items_.size(); ++i) {
    if (items_[i].revents != 0) handlers_[i](items_[i].revents);
  }
  return absl::OkStatus();
}

}  // namespace crvm
