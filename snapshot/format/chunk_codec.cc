// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/chunk_codec.h"

#include <lz4.h>

#include <bit>
#include <cstring>

#include "absl/strings/str_format.h"
#include "snapshot/format/checksum.h"
#include "snapshot/format/limits.h"
#include "vmm/base/check.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

absl::Status DamagedChunk(const ChunkEntry& entry, const char* why) {
  return absl::DataLossError(
      absl::StrFormat("the snapshot's memory is damaged: the chunk at 0x%x %s",
                      entry.gpa, why));
}

// A mask whose set bits are one run, as of a chunk without holes.
bool IsOneRun(uint16_t mask) {
  const unsigned shifted = mask >> std::countr_zero(mask);
  return (shifted & (shifted + 1)) == 0;
}

}  // namespace

bool IsZero(absl::Span<const uint8_t> bytes) {
  const uint8_t* at = bytes.data();
  for (size_t left = bytes.size(); left != 0; left -= 64, at += 64) {
    uint64_t words[8];
    std::memcpy(words, at, sizeof(words));
    const uint64_t any = words[0] | words[1] | words[2] | words[3] | words[4] |
                         words[5] | words[6] | words[7];
    if (any != 0) return false;
  }
  return true;
}

ChunkEncoder::ChunkEncoder() : lz4_state_(new char[LZ4_sizeofState()]) {}

void ChunkEncoder::Encode(absl::Span<const uint8_t> plain, uint8_t* out,
                          ChunkEntry& entry) {
  CRVM_CHECK(plain.size() <= kChunkSize && plain.size() % kPageSize == 0);
  // One byte less than the plain size, so that LZ4 gives up on what it cannot
  // make smaller.
  const int length = LZ4_compress_fast_extState(
      lz4_state_.get(), reinterpret_cast<const char*>(plain.data()),
      reinterpret_cast<char*>(out), static_cast<int>(plain.size()),
      static_cast<int>(plain.size()) - 1, /*acceleration=*/1);
  if (length > 0) {
    entry.encoding = ChunkEncoding::kLz4;
    entry.stored_length = static_cast<uint32_t>(length);
  } else {
    entry.encoding = ChunkEncoding::kPlain;
    entry.stored_length = static_cast<uint32_t>(plain.size());
    std::memcpy(out, plain.data(), plain.size());
  }
  entry.checksum = Checksum64(out, entry.stored_length);
}

ChunkDecoder::ChunkDecoder() : scratch_(new uint8_t[kChunkSize]) {}

absl::Status ChunkDecoder::Decompress(const ChunkEntry& entry,
                                      absl::Span<const uint8_t> stored,
                                      uint8_t* out) {
  if (entry.encoding == ChunkEncoding::kPlain) {
    std::memcpy(out, stored.data(), stored.size());
    return absl::OkStatus();
  }
  const int length = LZ4_decompress_safe(
      reinterpret_cast<const char*>(stored.data()),
      reinterpret_cast<char*>(out), static_cast<int>(stored.size()),
      static_cast<int>(entry.plain_length()));
  if (length != static_cast<int>(entry.plain_length())) {
    return DamagedChunk(entry, "does not decompress");
  }
  return absl::OkStatus();
}

absl::Status ChunkDecoder::Decode(const ChunkEntry& entry,
                                  absl::Span<const uint8_t> stored,
                                  MemorySink& memory) {
  if (Checksum64(stored.data(), stored.size()) != entry.checksum) {
    return DamagedChunk(entry, "has a wrong checksum");
  }
  if (entry.encoding == ChunkEncoding::kPlain &&
      stored.size() != entry.plain_length()) {
    return DamagedChunk(entry, "has a wrong length");
  }
  const unsigned first = std::countr_zero(entry.page_mask);
  if (IsOneRun(entry.page_mask)) {
    CRVM_ASSIGN_OR_RETURN(
        const absl::Span<uint8_t> target,
        memory.Slice(entry.gpa + first * kPageSize, entry.plain_length()));
    return Decompress(entry, stored, target.data());
  }
  CRVM_RETURN_IF_ERROR(Decompress(entry, stored, scratch_.get()));
  const uint8_t* from = scratch_.get();
  for (unsigned page = first; page < kPagesPerChunk; ++page) {
    if ((entry.page_mask >> page & 1) == 0) continue;
    CRVM_ASSIGN_OR_RETURN(
        const absl::Span<uint8_t> target,
        memory.Slice(entry.gpa + page * kPageSize, kPageSize));
    std::memcpy(target.data(), from, kPageSize);
    from += kPageSize;
  }
  return absl::OkStatus();
}

}  // namespace crvm
