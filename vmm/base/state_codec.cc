// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/state_codec.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

void AppendInteger(uint64_t value, size_t width, std::string* out) {
  for (size_t i = 0; i < width; ++i) {
    out->push_back(static_cast<char>(value >> (8 * i)));
  }
}

absl::Span<const uint8_t> AsBytes(absl::string_view text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

}  // namespace

void StateWriter::U8(uint8_t value) { AppendInteger(value, 1, &out_); }
void StateWriter::U16(uint16_t value) { AppendInteger(value, 2, &out_); }
void StateWriter::U32(uint32_t value) { AppendInteger(value, 4, &out_); }
void StateWriter::U64(uint64_t value) { AppendInteger(value, 8, &out_); }

void StateWriter::Bytes(absl::Span<const uint8_t> bytes) {
  U64(bytes.size());
  Raw(bytes);
}

void StateWriter::String(absl::string_view text) { Bytes(AsBytes(text)); }

void StateWriter::Raw(absl::Span<const uint8_t> bytes) {
  out_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

absl::StatusOr<absl::string_view> StateReader::Next(uint64_t n) {
  if (n > remaining()) {
    return absl::InvalidArgumentError(
        absl::StrCat("state is truncated: ", n, " bytes wanted at offset ",
                     offset_, ", ", remaining(), " left"));
  }
  absl::string_view bytes = data_.substr(offset_, n);
  offset_ += n;
  return bytes;
}

absl::StatusOr<uint64_t> StateReader::Integer(size_t width) {
  CRVM_ASSIGN_OR_RETURN(absl::string_view bytes, Next(width));
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return value;
}

absl::StatusOr<uint8_t> StateReader::U8() {
  CRVM_ASSIGN_OR_RETURN(uint64_t value, Integer(1));
  return static_cast<uint8_t>(value);
}

absl::StatusOr<uint16_t> StateReader::U16() {
  CRVM_ASSIGN_OR_RETURN(uint64_t value, Integer(2));
  return static_cast<uint16_t>(value);
}

absl::StatusOr<uint32_t> StateReader::U32() {
  CRVM_ASSIGN_OR_RETURN(uint64_t value, Integer(4));
  return static_cast<uint32_t>(value);
}

absl::StatusOr<uint64_t> StateReader::U64() { return Integer(8); }

absl::StatusOr<int64_t> StateReader::I64() {
  CRVM_ASSIGN_OR_RETURN(uint64_t value, Integer(8));
  return static_cast<int64_t>(value);
}

absl::StatusOr<bool> StateReader::Bool() {
  CRVM_ASSIGN_OR_RETURN(uint8_t value, U8());
  if (value > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "state has a bool of value ", value, " at offset ", offset_ - 1));
  }
  return value == 1;
}

absl::StatusOr<std::vector<uint8_t>> StateReader::Bytes(size_t max_len) {
  CRVM_ASSIGN_OR_RETURN(size_t length, Count(max_len));
  CRVM_ASSIGN_OR_RETURN(absl::string_view bytes, Next(length));
  absl::Span<const uint8_t> span = AsBytes(bytes);
  return std::vector<uint8_t>(span.begin(), span.end());
}

absl::StatusOr<std::string> StateReader::String(size_t max_len) {
  CRVM_ASSIGN_OR_RETURN(size_t length, Count(max_len));
  CRVM_ASSIGN_OR_RETURN(absl::string_view bytes, Next(length));
  return std::string(bytes);
}

absl::Status StateReader::Raw(absl::Span<uint8_t> out) {
  CRVM_ASSIGN_OR_RETURN(absl::string_view bytes, Next(out.size()));
  if (!out.empty()) memcpy(out.data(), bytes.data(), out.size());
  return absl::OkStatus();
}

absl::StatusOr<size_t> StateReader::Count(size_t max_count) {
  CRVM_ASSIGN_OR_RETURN(uint64_t count, Integer(8));
  if (count > max_count) {
    return absl::InvalidArgumentError(
        absl::StrCat("state has a length of ", count, " at offset ",
                     offset_ - 8, ", the limit is ", max_count));
  }
  if (count > remaining()) {
    return absl::InvalidArgumentError(
        absl::StrCat("state is truncated: a length of ", count, " at offset ",
                     offset_ - 8, ", ", remaining(), " bytes left"));
  }
  return static_cast<size_t>(count);
}

absl::Status StateReader::ExpectEnd() const {
  if (remaining() == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "state has ", remaining(), " bytes too many at offset ", offset_));
}

}  // namespace crvm
