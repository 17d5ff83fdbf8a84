// SPDX-License-Identifier: Apache-2.0
//
// The codec of every SaveState/RestoreState pair: fixed-width little-endian
// integers, and byte strings preceded by a u64 length. No tags and no padding;
// each component's state begins with its own u32 version.
//
// A writer is trusted. A reader is not: its input may be a hostile snapshot,
// so every read is checked against what is left and every length against the
// caller's limit, before anything is allocated.

#ifndef CRVM_VMM_BASE_STATE_CODEC_H_
#define CRVM_VMM_BASE_STATE_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace crvm {

class StateWriter {
 public:
  void U8(uint8_t value);
  void U16(uint16_t value);
  void U32(uint32_t value);
  void U64(uint64_t value);
  void I64(int64_t value) { U64(static_cast<uint64_t>(value)); }
  void Bool(bool value) { U8(value ? 1 : 0); }
  // u64 length, then the bytes.
  void Bytes(absl::Span<const uint8_t> bytes);
  void String(absl::string_view text);
  // The bytes alone: both sides know the length.
  void Raw(absl::Span<const uint8_t> bytes);

  size_t size() const { return out_.size(); }
  // Gives out what was written and leaves the writer empty.
  std::string Take() { return std::exchange(out_, std::string()); }

 private:
  std::string out_;
};

// Reads what StateWriter wrote, in the same order. All errors are
// InvalidArgument and say at which offset. `data` must outlive the reader.
class StateReader {
 public:
  explicit StateReader(absl::string_view data) : data_(data) {}

  absl::StatusOr<uint8_t> U8();
  absl::StatusOr<uint16_t> U16();
  absl::StatusOr<uint32_t> U32();
  absl::StatusOr<uint64_t> U64();
  absl::StatusOr<int64_t> I64();
  absl::StatusOr<bool> Bool();
  // Refuses a length above max_len.
  absl::StatusOr<std::vector<uint8_t>> Bytes(size_t max_len);
  absl::StatusOr<std::string> String(size_t max_len);
  // Fills `out` exactly.
  absl::Status Raw(absl::Span<uint8_t> out);
  // A u64 element count of at most max_count, for a list that the caller then
  // reads. Also refuses a count of which not even one byte each is left.
  absl::StatusOr<size_t> Count(size_t max_count);

  size_t remaining() const { return data_.size() - offset_; }
  // An error if anything is left: a longer record is not one of ours.
  absl::Status ExpectEnd() const;

 private:
  absl::StatusOr<uint64_t> Integer(size_t width);
  // The next n bytes of the input, or an error.
  absl::StatusOr<absl::string_view> Next(uint64_t n);

  absl::string_view data_;
  size_t offset_ = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_BASE_STATE_CODEC_H_
