// SPDX-License-Identifier: Apache-2.0

#include "snapshot/transfer/protocol.h"

#include "absl/strings/str_cat.h"
#include "snapshot/format/limits.h"
#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr size_t kMaxText = 4096;
constexpr size_t kMaxInput = 256 * 1024;
constexpr size_t kMaxHeaderFile = kHeaderLeadLength + kMaxHeaderBody;

}  // namespace

std::string Encode(const TransferHello& message) {
  StateWriter writer;
  writer.U32(message.protocol);
  writer.String(message.crvm_version);
  writer.U32(message.format_version);
  writer.U32(message.abi_version);
  writer.String(message.host);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, TransferHello& message) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(message.protocol, reader.U32());
  CRVM_ASSIGN_OR_RETURN(message.crvm_version, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(message.format_version, reader.U32());
  CRVM_ASSIGN_OR_RETURN(message.abi_version, reader.U32());
  CRVM_ASSIGN_OR_RETURN(message.host, reader.String(kMaxText));
  // What follows is for newer protocols.
  return absl::OkStatus();
}

std::string Encode(const TransferOffer& message) {
  StateWriter writer;
  writer.String(message.header);
  writer.String(message.name);
  writer.Bool(message.detach);
  writer.String(message.clock);
  writer.String(message.files);
  writer.String(message.privilege);
  writer.U16(message.cols);
  writer.U16(message.rows);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, TransferOffer& message) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(message.header, reader.String(kMaxHeaderFile));
  CRVM_ASSIGN_OR_RETURN(message.name, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(message.detach, reader.Bool());
  CRVM_ASSIGN_OR_RETURN(message.clock, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(message.files, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(message.privilege, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(message.cols, reader.U16());
  CRVM_ASSIGN_OR_RETURN(message.rows, reader.U16());
  return reader.ExpectEnd();
}

std::string Encode(const TransferOutcome& message) {
  StateWriter writer;
  writer.U32(message.exit_code);
  writer.String(absl::string_view(message.message).substr(0, kMaxText));
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, TransferOutcome& message) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(message.exit_code, reader.U32());
  CRVM_ASSIGN_OR_RETURN(message.message, reader.String(kMaxText));
  return reader.ExpectEnd();
}

std::string Encode(const TransferData& message) {
  StateWriter writer;
  writer.U8(static_cast<uint8_t>(message.file));
  writer.U64(message.offset);
  writer.String(message.bytes);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, TransferData& message) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(const uint8_t file, reader.U8());
  if (file >= kTransferFiles) {
    return absl::InvalidArgumentError(
        absl::StrCat("the sender names an unknown file ", file));
  }
  message.file = static_cast<TransferFile>(file);
  CRVM_ASSIGN_OR_RETURN(message.offset, reader.U64());
  CRVM_ASSIGN_OR_RETURN(message.bytes, reader.String(kTransferPiece));
  return reader.ExpectEnd();
}

std::string Encode(const TransferDataEnd& message) {
  StateWriter writer;
  for (const uint64_t checksum : message.checksums) writer.U64(checksum);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, TransferDataEnd& message) {
  StateReader reader(bytes);
  for (uint64_t& checksum : message.checksums) {
    CRVM_ASSIGN_OR_RETURN(checksum, reader.U64());
  }
  return reader.ExpectEnd();
}

std::string Encode(const TransferStarted& message) {
  StateWriter writer;
  for (const bool tty : message.tty) writer.Bool(tty);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, TransferStarted& message) {
  StateReader reader(bytes);
  for (bool& tty : message.tty) {
    CRVM_ASSIGN_OR_RETURN(tty, reader.Bool());
  }
  return reader.ExpectEnd();
}

std::string Encode(const TransferWindow& message) {
  StateWriter writer;
  writer.U16(message.cols);
  writer.U16(message.rows);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, TransferWindow& message) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(message.cols, reader.U16());
  CRVM_ASSIGN_OR_RETURN(message.rows, reader.U16());
  return reader.ExpectEnd();
}

std::string Encode(const TransferNumber& message) {
  StateWriter writer;
  writer.U64(message.value);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, TransferNumber& message) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(message.value, reader.U64());
  return reader.ExpectEnd();
}

std::string Encode(const TransferText& message) {
  StateWriter writer;
  writer.String(message.text);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, TransferText& message) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(message.text, reader.String(kMaxInput));
  return reader.ExpectEnd();
}

std::string Encode(const TransferOutput& message) {
  StateWriter writer;
  writer.U8(message.fd);
  writer.String(message.bytes);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, TransferOutput& message) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(message.fd, reader.U8());
  if (message.fd != 1 && message.fd != 2) {
    return absl::InvalidArgumentError("the other end writes to no known file");
  }
  CRVM_ASSIGN_OR_RETURN(message.bytes, reader.String(kMaxInput));
  return reader.ExpectEnd();
}

}  // namespace crvm
