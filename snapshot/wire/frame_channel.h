// SPDX-License-Identifier: Apache-2.0
//
// FrameChannel: frames over a pair of file descriptors. It queues what it
// cannot write, so that it works blocking (Send, Receive) and in a poll loop
// (Queue, Flush, ReadSome). One thread. The peer is untrusted.

#ifndef CRVM_SNAPSHOT_WIRE_FRAME_CHANNEL_H_
#define CRVM_SNAPSHOT_WIRE_FRAME_CHANNEL_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "snapshot/wire/frame.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

class FrameChannel {
 public:
  // The descriptors become non-blocking. They may be the same one (a socket):
  // then pass it as `in` and an invalid `out`.
  FrameChannel(UniqueFd in, UniqueFd out);

  int read_fd() const { return in_.get(); }
  int write_fd() const { return out_.valid() ? out_.get() : in_.get(); }

  // ---- In a poll loop. ----

  void Queue(uint16_t type, absl::string_view payload);
  size_t queued() const { return queue_.size() - queue_at_; }
  // Writes what goes without waiting. Unavailable when the peer is gone.
  absl::Status Flush();
  // Reads what is there, once. Unavailable at end of file: the peer is gone.
  absl::Status ReadSome();
  // The next frame that has been read completely.
  absl::StatusOr<std::optional<Frame>> Next() { return decoder_.Next(); }

  // ---- Blocking. ----

  // `timeout_ms` < 0: for ever. DeadlineExceeded.
  absl::Status Send(uint16_t type, absl::string_view payload,
                    int timeout_ms = -1);
  absl::StatusOr<Frame> Receive(int timeout_ms = -1);

  // Skips input up to and including `marker`, of which at most `limit` bytes
  // precede. NotFound, with the beginning of what came instead, at the end of
  // the stream or beyond the limit.
  absl::Status SkipTo(absl::string_view marker, size_t limit, int timeout_ms);

 private:
  absl::StatusOr<std::string> ReadBytes();

  UniqueFd in_;
  UniqueFd out_;
  FrameDecoder decoder_;
  std::string queue_;
  size_t queue_at_ = 0;
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_WIRE_FRAME_CHANNEL_H_
