// SPDX-License-Identifier: Apache-2.0

#include "cli/session/host_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace crvm {
namespace {

// An open file description of our own for a terminal or pipe.
UniqueFd Reopen(int fd) {
  struct stat info;
  if (fstat(fd, &info) < 0) return UniqueFd();
  if (!S_ISFIFO(info.st_mode) && isatty(fd) != 1) return UniqueFd();
  const std::string path = absl::StrCat("/proc/self/fd/", fd);
  // O_NOCTTY: it shall not become our controlling terminal by this.
  return UniqueFd(
      open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

}  // namespace

HostInput::HostInput(int fd) : fd_(fd), own_(Reopen(fd)) {}

HostInput::Result HostInput::Read(absl::Span<uint8_t> buffer, size_t* length) {
  *length = 0;
  if (!own_.valid()) {
    // Another reader may have taken what poll() saw.
    pollfd item = {.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&item, 1, 0) == 0) return Result::kNothingYet;
  }
  const ssize_t n = read(poll_fd(), buffer.data(), buffer.size());
  if (n > 0) {
    *length = static_cast<size_t>(n);
    return Result::kData;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Result::kNothingYet;
  return Result::kEnd;
}

}  // namespace crvm
