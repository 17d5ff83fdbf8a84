// SPDX-License-Identifier: Apache-2.0
//
// What `crvm ps`, `snapshot` and `kill` say to a running VM over its control
// socket, in frames of snapshot/wire. One request on a connection, any number
// of kProgress, one answer.
//
// Pure functions on bytes. The peer is the same user's process, but perhaps of
// another version of crvm: what does not fit is an error, not a crash.

#ifndef CRVM_CLI_CONTROL_MESSAGES_H_
#define CRVM_CLI_CONTROL_MESSAGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace crvm {

enum class ControlMessage : uint16_t {
  // Requests.
  kInfo = 1,      // nothing
  kSnapshot = 2,  // SnapshotRequest
  kKill = 3,      // KillRequest
  kResize = 4,    // ResizeRequest
  // Answers.
  kOk = 100,             // nothing
  kError = 101,          // ErrorReply
  kInfoReply = 102,      // VmInfo
  kSnapshotReply = 103,  // SnapshotReply
  kProgress = 104,       // ProgressReply
};

struct VmInfo {
  std::string name;
  uint32_t pid = 0;
  std::vector<std::string> argv;
  uint64_t started_ns = 0;
  uint64_t memory_size = 0;
  std::string privilege;
  std::string state;   // "running", "saving", "ending"
  std::string parent;  // the snapshot it was resumed from, or empty
  bool detached = false;

  bool operator==(const VmInfo&) const = default;
};

struct SnapshotRequest {
  std::string tag;
  bool stop = false;

  bool operator==(const SnapshotRequest&) const = default;
};

struct SnapshotReply {
  std::string id;  // NAME@N
  std::string tag;
  uint64_t memory_used = 0;   // bytes of guest memory in the snapshot
  uint64_t stored_bytes = 0;  // on disk
  uint64_t pause_us = 0;      // how long the program stood still
  uint64_t total_us = 0;

  bool operator==(const SnapshotReply&) const = default;
};

struct KillRequest {
  uint32_t signal = 0;  // 0: end the VM at once; else a signal to the program

  bool operator==(const KillRequest&) const = default;
};

struct ResizeRequest {
  uint16_t cols = 0;
  uint16_t rows = 0;

  bool operator==(const ResizeRequest&) const = default;
};

struct ErrorReply {
  uint32_t exit_code = 0;
  std::string message;

  bool operator==(const ErrorReply&) const = default;
};

struct ProgressReply {
  uint64_t done = 0;
  uint64_t total = 0;

  bool operator==(const ProgressReply&) const = default;
};

std::string Encode(const VmInfo& info);
std::string Encode(const SnapshotRequest& request);
std::string Encode(const SnapshotReply& reply);
std::string Encode(const KillRequest& request);
std::string Encode(const ResizeRequest& request);
std::string Encode(const ErrorReply& reply);
std::string Encode(const ProgressReply& reply);

absl::Status Decode(absl::string_view bytes, VmInfo& info);
absl::Status Decode(absl::string_view bytes, SnapshotRequest& request);
absl::Status Decode(absl::string_view bytes, SnapshotReply& reply);
absl::Status Decode(absl::string_view bytes, KillRequest& request);
absl::Status Decode(absl::string_view bytes, ResizeRequest& request);
absl::Status Decode(absl::string_view bytes, ErrorReply& reply);
absl::Status Decode(absl::string_view bytes, ProgressReply& reply);

}  // namespace crvm

#endif  // CRVM_CLI_CONTROL_MESSAGES_H_
