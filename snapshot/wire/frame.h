// SPDX-License-Identifier: Apache-2.0
//
// Frames: how messages travel over a stream (the control socket, ssh).
//
//   u32 length of the payload, u16 type, u16 reserved (0),
//   u64 XXH3-64 of those 8 bytes and the payload, payload
//
// A FrameDecoder belongs to one thread. What it decodes is untrusted: lengths
// are capped before anything is kept, and after an error it stays in error.

#ifndef CRVM_SNAPSHOT_WIRE_FRAME_H_
#define CRVM_SNAPSHOT_WIRE_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace crvm {

inline constexpr size_t kFrameHeaderSize = 16;
inline constexpr size_t kMaxFramePayload = 2 << 20;

struct Frame {
  uint16_t type = 0;
  std::string payload;

  bool operator==(const Frame&) const = default;
};

// CHECKs that the payload is not longer than kMaxFramePayload.
std::string EncodeFrame(uint16_t type, absl::string_view payload);

class FrameDecoder {
 public:
  explicit FrameDecoder(size_t max_payload = kMaxFramePayload)
      : max_payload_(max_payload) {}

  // Bytes as they come. Call Next until it has no more before the next Append,
  // so that at most one frame is kept.
  void Append(absl::string_view bytes) {
    buffer_.append(bytes.data(), bytes.size());
  }

  // The next frame; nullopt when it is not complete; DataLoss when the stream
  // is damaged.
  absl::StatusOr<std::optional<Frame>> Next();

  // True when the stream may end here: not within a frame.
  bool AtBoundary() const { return buffer_.size() == used_; }

 private:
  absl::StatusOr<std::optional<Frame>> Decode();

  const size_t max_payload_;
  std::string buffer_;
  size_t used_ = 0;  // bytes of buffer_ that have been decoded
  absl::Status error_;
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_WIRE_FRAME_H_
