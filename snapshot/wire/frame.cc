// SPDX-License-Identifier: Apache-2.0

#include "snapshot/wire/frame.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "snapshot/format/checksum.h"
#include "vmm/base/check.h"

namespace crvm {
namespace {

struct FrameHeader {
  uint32_t length;
  uint16_t type;
  uint16_t reserved;
  uint64_t checksum;
};
static_assert(sizeof(FrameHeader) == kFrameHeaderSize);

uint64_t FrameChecksum(const FrameHeader& header, absl::string_view payload) {
  StreamingChecksum checksum;
  checksum.Update(&header, offsetof(FrameHeader, checksum));
  checksum.Update(payload.data(), payload.size());
  return checksum.Digest();
}

}  // namespace

std::string EncodeFrame(uint16_t type, absl::string_view payload) {
  CRVM_CHECK(payload.size() <= kMaxFramePayload);
  FrameHeader header = {.length = static_cast<uint32_t>(payload.size()),
                        .type = type,
                        .reserved = 0,
                        .checksum = 0};
  header.checksum = FrameChecksum(header, payload);
  std::string out;
  out.reserve(sizeof(header) + payload.size());
  out.append(reinterpret_cast<const char*>(&header), sizeof(header));
  out.append(payload.data(), payload.size());
  return out;
}

absl::StatusOr<std::optional<Frame>> FrameDecoder::Next() {
  if (!error_.ok()) return error_;
  absl::StatusOr<std::optional<Frame>> frame = Decode();
  if (!frame.ok()) {
    error_ = frame.status();
    buffer_.clear();
    used_ = 0;
  } else if (!frame->has_value() && used_ != 0) {
    buffer_.erase(0, used_);
    used_ = 0;
  }
  return frame;
}

absl::StatusOr<std::optional<Frame>> FrameDecoder::Decode() {
  const absl::string_view input = absl::string_view(buffer_).substr(used_);
  FrameHeader header;
  if (input.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, input.data(), sizeof(header));
  if (header.length > max_payload_ || header.reserved != 0) {
    return absl::DataLossError(
        absl::StrCat("the stream is damaged: impossible frame of ",
                     header.length, " bytes"));
  }
  if (input.size() - sizeof(header) < header.length) return std::nullopt;
  const absl::string_view payload = input.substr(sizeof(header), header.length);
  if (FrameChecksum(header, payload) != header.checksum) {
    return absl::DataLossError("the stream is damaged: wrong checksum");
  }
  used_ += sizeof(header) + header.length;
  return Frame{header.type, std::string(payload)};
}

}  // namespace crvm
