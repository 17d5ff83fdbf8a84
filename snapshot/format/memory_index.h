// SPDX-License-Identifier: Apache-2.0
//
// The section `memory.index`: where each 64 KiB chunk of guest memory is in
// the file `memory`. docs/snapshot_format.md is the authority.
//
// Pure functions on bytes; any thread. DecodeMemoryIndex's input is untrusted.

#ifndef CRVM_SNAPSHOT_FORMAT_MEMORY_INDEX_H_
#define CRVM_SNAPSHOT_FORMAT_MEMORY_INDEX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace crvm {

enum class ChunkEncoding : uint8_t { kPlain = 0, kLz4 = 1 };

struct ChunkEntry {
  uint64_t gpa = 0;
  uint64_t offset = 0;
  uint64_t checksum = 0;
  uint32_t stored_length = 0;
  uint16_t page_mask = 0;  // bit i: page i of the chunk is stored
  ChunkEncoding encoding = ChunkEncoding::kPlain;

  // Bytes of the stored pages before compression.
  uint32_t plain_length() const;

  bool operator==(const ChunkEntry&) const = default;
};

std::string EncodeMemoryIndex(const std::vector<ChunkEntry>& chunks);

// Checks every rule of the format: order, alignment, and that each chunk lies
// within `memory_size` of guest memory and `file_length` of the file.
absl::StatusOr<std::vector<ChunkEntry>> DecodeMemoryIndex(
    absl::string_view bytes, uint64_t memory_size, uint64_t file_length);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_MEMORY_INDEX_H_
