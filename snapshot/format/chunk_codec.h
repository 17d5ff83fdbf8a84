// SPDX-License-Identifier: Apache-2.0
//
// One chunk of guest memory to its stored form and back. A codec owns its
// buffers and belongs to one thread. Decode's input is untrusted.

#ifndef CRVM_SNAPSHOT_FORMAT_CHUNK_CODEC_H_
#define CRVM_SNAPSHOT_FORMAT_CHUNK_CODEC_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "snapshot/format/memory_index.h"
#include "vmm/machine/component_sink.h"

namespace crvm {

// True when all bytes are zero. `bytes` is a whole number of 64-byte lines.
bool IsZero(absl::Span<const uint8_t> bytes);

class ChunkEncoder {
 public:
  ChunkEncoder();

  // Writes the stored form of `plain` (whole pages, at most a chunk) to `out`,
  // which has room for plain.size() bytes, and fills in the encoding, length
  // and checksum of `entry`.
  void Encode(absl::Span<const uint8_t> plain, uint8_t* out, ChunkEntry& entry);

 private:
  std::unique_ptr<char[]> lz4_state_;
};

class ChunkDecoder {
 public:
  ChunkDecoder();

  // Verifies `stored` and puts its pages where `entry` says.
  absl::Status Decode(const ChunkEntry& entry, absl::Span<const uint8_t> stored,
                      MemorySink& memory);

 private:
  absl::Status Decompress(const ChunkEntry& entry,
                          absl::Span<const uint8_t> stored, uint8_t* out);

  std::unique_ptr<uint8_t[]> scratch_;
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_CHUNK_CODEC_H_
