// SPDX-License-Identifier: Apache-2.0

#include "snapshot/wire/frame_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "absl/strings/str_cat.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// A peer that is gone is an error of this call, not the end of the process:
// `crvm ps` may ask a VM that is just ending.
ssize_t WriteSome(int fd, const void* data, size_t size) {
  const ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
  if (n < 0 && errno == ENOTSOCK) return write(fd, data, size);
  return n;
}

using Clock = std::chrono::steady_clock;

constexpr size_t kReadSize = 256 * 1024;

void SetNonBlocking(int fd) {
  if (fd < 0) return;
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

absl::Status PeerIsGone() {
  return absl::UnavailableError("the other end has closed the connection");
}

// A deadline that poll() understands.
class Deadline {
 public:
  explicit Deadline(int timeout_ms)
      : forever_(timeout_ms < 0),
        end_(Clock::now() + std::chrono::milliseconds(timeout_ms)) {}

  absl::Status WaitFor(int fd, short events) const {
    for (;;) {
      int left = -1;
      if (!forever_) {
        left = static_cast<int>(
            std::chrono::duration_cast<std::chrono::milliseconds>(end_ -
                                                                  Clock::now())
                .count());
        if (left < 0) left = 0;
      }
      pollfd item = {.fd = fd, .events = events, .revents = 0};
      const int n = poll(&item, 1, left);
      if (n > 0) return absl::OkStatus();
      if (n == 0) {
        return absl::DeadlineExceededError("the other end does not answer");
      }
      if (errno != EINTR) return ErrnoStatus(errno, "poll");
    }
  }

 private:
  const bool forever_;
  const Clock::time_point end_;
};

}  // namespace

FrameChannel::FrameChannel(UniqueFd in, UniqueFd out)
    : in_(std::move(in)), out_(std::move(out)) {
  SetNonBlocking(in_.get());
  SetNonBlocking(out_.get());
}

void FrameChannel::Queue(uint16_t type, absl::string_view payload) {
  if (queue_at_ == queue_.size()) {
    queue_.clear();
    queue_at_ = 0;
  }
  queue_ += EncodeFrame(type, payload);
}

absl::Status FrameChannel::Flush() {
  while (queued() != 0) {
    const ssize_t n = WriteSome(write_fd(), queue_.data() + queue_at_,
                                queue_.size() - queue_at_);
    if (n >= 0) {
      queue_at_ += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      return absl::OkStatus();
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return PeerIsGone();
    } else if (errno != EINTR) {
      return ErrnoStatus(errno, "write to the other end");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FrameChannel::ReadBytes() {
  std::string bytes(kReadSize, '\0');
  for (;;) {
    const ssize_t n = read(in_.get(), bytes.data(), bytes.size());
    if (n > 0) {
      bytes.resize(static_cast<size_t>(n));
      return bytes;
    }
    if (n == 0 || errno == ECONNRESET) return PeerIsGone();
    if (errno == EAGAIN) return std::string();
    if (errno != EINTR) return ErrnoStatus(errno, "read from the other end");
  }
}

absl::Status FrameChannel::ReadSome() {
  CRVM_ASSIGN_OR_RETURN(const std::string bytes, ReadBytes());
  decoder_.Append(bytes);
  return absl::OkStatus();
}

absl::Status FrameChannel::Send(uint16_t type, absl::string_view payload,
                                int timeout_ms) {
  const Deadline deadline(timeout_ms);
  Queue(type, payload);
  for (;;) {
    CRVM_RETURN_IF_ERROR(Flush());
    if (queued() == 0) return absl::OkStatus();
    CRVM_RETURN_IF_ERROR(deadline.WaitFor(write_fd(), POLLOUT));
  }
}

absl::StatusOr<Frame> FrameChannel::Receive(int timeout_ms) {
  const Deadline deadline(timeout_ms);
  for (;;) {
    CRVM_ASSIGN_OR_RETURN(std::optional<Frame> frame, Next());
    if (frame.has_value()) return *std::move(frame);
    CRVM_RETURN_IF_ERROR(deadline.WaitFor(in_.get(), POLLIN));
    CRVM_RETURN_IF_ERROR(ReadSome());
  }
}

absl::Status FrameChannel::SkipTo(absl::string_view marker, size_t limit,
                                  int timeout_ms) {
  const Deadline deadline(timeout_ms);
  std::string input;
  for (;;) {
    const size_t at = input.find(marker.data(), 0, marker.size());
    if (at != std::string::npos) {
      decoder_.Append(absl::string_view(input).substr(at + marker.size()));
      return absl::OkStatus();
    }
    if (input.size() > limit + marker.size()) break;
    CRVM_RETURN_IF_ERROR(deadline.WaitFor(in_.get(), POLLIN));
    absl::StatusOr<std::string> bytes = ReadBytes();
    if (absl::IsUnavailable(bytes.status())) break;
    CRVM_RETURN_IF_ERROR(bytes.status());
    input += *bytes;
  }
  return absl::NotFoundError(input.substr(0, 200));
}

}  // namespace crvm
