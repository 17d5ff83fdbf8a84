// SPDX-License-Identifier: Apache-2.0
//
// The messages of docs/transfer_protocol.md. Pure functions on bytes; each
// side decodes what the other, untrusted, has sent.

#ifndef CRVM_SNAPSHOT_TRANSFER_PROTOCOL_H_
#define CRVM_SNAPSHOT_TRANSFER_PROTOCOL_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace crvm {

inline constexpr char kTransferMarker[] = "\ncrvm-receive-1\n";
inline constexpr size_t kMaxNoiseBeforeMarker = 64 * 1024;
inline constexpr uint32_t kTransferProtocolVersion = 1;
// Bytes of a file in one Data message.
inline constexpr size_t kTransferPiece = 256 * 1024;

enum class TransferMessage : uint16_t {
  kHello = 1,
  kOffer = 2,
  kAccept = 3,
  kRefuse = 4,
  kData = 5,
  kDataEnd = 6,
  kCommitted = 7,
  kStarted = 8,
  kFailed = 9,
  kInput = 20,
  kInputEnd = 21,
  kWindow = 22,
  kSignal = 23,
  kInputCredit = 24,
  kOutput = 25,
  kStopped = 26,
  kWarning = 27,
  kExit = 28,
};

struct TransferHello {
  uint32_t protocol = kTransferProtocolVersion;
  std::string crvm_version;
  uint32_t format_version = 0;
  uint32_t abi_version = 0;
  std::string host;

  bool operator==(const TransferHello&) const = default;
};

struct TransferOffer {
  std::string header;  // the snapshot's file `header`
  std::string name;    // what to call it and its VM
  bool detach = false;
  std::string clock;
  std::string files;
  std::string privilege;
  uint16_t cols = 0;
  uint16_t rows = 0;

  bool operator==(const TransferOffer&) const = default;
};

// kRefuse, kFailed, kExit.
struct TransferOutcome {
  uint32_t exit_code = 0;
  std::string message;

  bool operator==(const TransferOutcome&) const = default;
};

enum class TransferFile : uint8_t { kState = 0, kMemory = 1 };
inline constexpr size_t kTransferFiles = 2;

struct TransferData {
  TransferFile file = TransferFile::kState;
  uint64_t offset = 0;
  std::string bytes;

  bool operator==(const TransferData&) const = default;
};

struct TransferDataEnd {
  std::array<uint64_t, kTransferFiles> checksums = {};

  bool operator==(const TransferDataEnd&) const = default;
};

struct TransferStarted {
  std::array<bool, 3> tty = {};

  bool operator==(const TransferStarted&) const = default;
};

struct TransferWindow {
  uint16_t cols = 0;
  uint16_t rows = 0;

  bool operator==(const TransferWindow&) const = default;
};

// kSignal, kStopped: the signal. kInputCredit: bytes.
struct TransferNumber {
  uint64_t value = 0;

  bool operator==(const TransferNumber&) const = default;
};

// kCommitted: NAME@N. kWarning: a line. kInput: bytes.
struct TransferText {
  std::string text;

  bool operator==(const TransferText&) const = default;
};

struct TransferOutput {
  uint8_t fd = 1;  // 1 or 2
  std::string bytes;

  bool operator==(const TransferOutput&) const = default;
};

std::string Encode(const TransferHello& message);
std::string Encode(const TransferOffer& message);
std::string Encode(const TransferOutcome& message);
std::string Encode(const TransferData& message);
std::string Encode(const TransferDataEnd& message);
std::string Encode(const TransferStarted& message);
std::string Encode(const TransferWindow& message);
std::string Encode(const TransferNumber& message);
std::string Encode(const TransferText& message);
std::string Encode(const TransferOutput& message);

absl::Status Decode(absl::string_view bytes, TransferHello& message);
absl::Status Decode(absl::string_view bytes, TransferOffer& message);
absl::Status Decode(absl::string_view bytes, TransferOutcome& message);
absl::Status Decode(absl::string_view bytes, TransferData& message);
absl::Status Decode(absl::string_view bytes, TransferDataEnd& message);
absl::Status Decode(absl::string_view bytes, TransferStarted& message);
absl::Status Decode(absl::string_view bytes, TransferWindow& message);
absl::Status Decode(absl::string_view bytes, TransferNumber& message);
absl::Status Decode(absl::string_view bytes, TransferText& message);
absl::Status Decode(absl::string_view bytes, TransferOutput& message);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_TRANSFER_PROTOCOL_H_
