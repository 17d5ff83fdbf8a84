// SPDX-License-Identifier: Apache-2.0
//
// See host_output.h.

#include "vmm/devices/console/host_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace crvm {
namespace {

// poll() calls a pipe writable when PIPE_BUF bytes fit (pipe(7)), and a
// terminal when at least some do.
constexpr size_t kPolledPipeBytes = PIPE_BUF;
constexpr size_t kPolledTtyBytes = 256;

// A second open file description of the same object, non-blocking; invalid if
// the host does not give one.
UniqueFd OpenAnew(int fd) {
  const std::string path = absl::StrCat("/proc/self/fd/", fd);
  UniqueFd own(
      open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat before, after;
  if (own.valid() &&
      (fstat(fd, &before) != 0 || fstat(own.get(), &after) != 0 ||
       before.st_dev != after.st_dev || before.st_ino != after.st_ino)) {
    own.reset();
  }
  return own;
}

// Opening /dev/ptmx anew makes a new terminal instead of a second description.
bool IsPtyMaster(const struct stat& st) {
  return major(st.st_rdev) == 5 && minor(st.st_rdev) == 2;
}

}  // namespace

HostOutput::HostOutput(UniqueFd fd)
    : fd_(std::move(fd)), mode_(ModeOf(fd_.get())) {
  if (mode_ != Mode::kOwnDescription) return;
  own_ = OpenAnew(fd_.get());
  if (!own_.valid()) mode_ = Mode::kPolled;
}

HostOutput::Mode HostOutput::ModeOf(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) return Mode::kPlain;
  if (S_ISSOCK(st.st_mode)) return Mode::kSocket;
  // A descriptor that is not open for writing must fail with EBADF; opening it
  // anew would get around that.
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) return Mode::kPlain;
  if (S_ISFIFO(st.st_mode)) return Mode::kOwnDescription;
  if (S_ISCHR(st.st_mode) && isatty(fd) == 1) {
    return IsPtyMaster(st) ? Mode::kPolled : Mode::kOwnDescription;
  }
  return Mode::kPlain;
}

HostOutput::Result HostOutput::Write(absl::Span<const iovec> buffers) {
  Result result;
  size_t skip = 0;  // bytes of buffers.front() that are written
  while (!buffers.empty()) {
    if (skip == buffers.front().iov_len) {
      buffers.remove_prefix(1);
      skip = 0;
      continue;
    }
    iovec first = buffers.front();
    first.iov_base = static_cast<char*>(first.iov_base) + skip;
    first.iov_len -= skip;
    const ssize_t n = WriteOnce(
        skip == 0 ? buffers.first(std::min<size_t>(buffers.size(), IOV_MAX))
                  : absl::MakeConstSpan(&first, 1));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      result.would_block = true;
      return result;
    }
    if (n < 0) {
      result.error = errno;
      return result;
    }
    result.written += n;
    for (skip += n; !buffers.empty() && skip >= buffers.front().iov_len;) {
      skip -= buffers.front().iov_len;
      buffers.remove_prefix(1);
    }
  }
  return result;
}

ssize_t HostOutput::WriteOnce(absl::Span<const iovec> buffers) const {
  switch (mode_) {
    case Mode::kPlain:
      return writev(fd_.get(), buffers.data(), buffers.size());
    case Mode::kOwnDescription:
      return writev(own_.get(), buffers.data(), buffers.size());
    case Mode::kSocket: {
      msghdr message = {};
      message.msg_iov = const_cast<iovec*>(buffers.data());
      message.msg_iovlen = buffers.size();
      return sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    case Mode::kPolled:
      return WritePolled(buffers);
  }
  errno = EBADF;
  return -1;
}

ssize_t HostOutput::WritePolled(absl::Span<const iovec> buffers) const {
  pollfd wanted = {fd_.get(), POLLOUT, 0};
  if (poll(&wanted, 1, 0) < 0) return -1;
  // POLLERR and POLLHUP go on to write(), which names the error at once.
  if (wanted.revents == 0) {
    errno = EAGAIN;
    return -1;
  }
  const size_t limit = isatty(fd_.get()) ? kPolledTtyBytes : kPolledPipeBytes;
  const iovec& first = buffers.front();
  return write(fd_.get(), first.iov_base, std::min(first.iov_len, limit));
}

}  // namespace crvm
