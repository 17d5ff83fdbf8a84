// SPDX-License-Identifier: Apache-2.0
//
// The file `header` of a snapshot: identity, host requirements, table of
// sections. docs/snapshot_format.md is the authority.
//
// Pure functions on bytes; any thread. DecodeHeader's input is untrusted.

#ifndef CRVM_SNAPSHOT_FORMAT_HEADER_H_
#define CRVM_SNAPSHOT_FORMAT_HEADER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "snapshot/format/cpu_requirements.h"

namespace crvm {

struct SnapshotMetadata {
  std::string name;
  uint64_t created_ns = 0;
  std::vector<std::string> argv;
  uint64_t memory_size = 0;
  uint32_t abi_version = 0;
  CpuRequirements cpu;
  std::string crvm_version;
  // Optional; empty or 0 when unknown.
  std::string host;
  std::string parent;
  std::string privilege;
  uint64_t memory_used = 0;

  bool operator==(const SnapshotMetadata&) const = default;
};

struct SectionEntry {
  std::string name;
  uint32_t version = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t checksum = 0;

  bool operator==(const SectionEntry&) const = default;
};

struct SnapshotHeader {
  SnapshotMetadata metadata;
  std::vector<SectionEntry> sections;
  uint64_t state_length = 0;
  uint64_t memory_length = 0;

  bool operator==(const SnapshotHeader&) const = default;
};

// True when `name` may name a VM or, with a shorter limit, a tag: letters,
// digits, '.', '-', '_', the first a letter or digit, at most kMaxVmName.
bool IsValidVmName(absl::string_view name);

// True when `name` may name a section.
bool IsValidSectionName(absl::string_view name);

std::string EncodeHeader(const SnapshotHeader& header);

// Verifies and parses a whole header file. DataLoss when it is damaged or
// truncated, FailedPrecondition (naming the version or field) when a newer
// crvm wrote it.
absl::StatusOr<SnapshotHeader> DecodeHeader(absl::string_view bytes);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_HEADER_H_
