// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/memory_index.h"

#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "snapshot/format/limits.h"

namespace crvm {
namespace {

// An entry as it is on disk.
struct DiskEntry {
  uint64_t gpa;
  uint64_t offset;
  uint32_t stored_length;
  uint16_t page_mask;
  uint8_t encoding;
  uint8_t reserved;
  uint64_t checksum;
};
static_assert(sizeof(DiskEntry) == kIndexEntrySize);
static_assert(std::endian::native == std::endian::little);

// Why `disk` breaks the format, or null. `previous` is null at the first.
const char* FindFault(const DiskEntry& disk, const ChunkEntry* previous,
                      uint64_t memory_size, uint64_t file_length) {
  if (disk.gpa % kChunkSize != 0) return "is not aligned";
  if (disk.gpa >= memory_size) return "is outside guest memory";
  if (previous != nullptr && disk.gpa <= previous->gpa)
    return "is out of order";
  if (disk.page_mask == 0) return "has no pages";
  const unsigned last_page = std::bit_width(disk.page_mask) - 1u;
  if (disk.gpa + last_page * kPageSize >= memory_size) {
    return "has a page outside guest memory";
  }
  if (disk.stored_length == 0 || disk.stored_length > kChunkSize) {
    return "has an impossible length";
  }
  if (disk.offset > file_length ||
      disk.stored_length > file_length - disk.offset) {
    return "is outside the memory file";
  }
  if (disk.encoding > static_cast<uint8_t>(ChunkEncoding::kLz4)) {
    return "has an unknown encoding";
  }
  if (disk.reserved != 0) return "has a reserved field set";
  const bool plain =
      disk.encoding == static_cast<uint8_t>(ChunkEncoding::kPlain);
  if (plain &&
      disk.stored_length != std::popcount(disk.page_mask) * kPageSize) {
    return "has a length that does not fit its pages";
  }
  return nullptr;
}

}  // namespace

uint32_t ChunkEntry::plain_length() const {
  return static_cast<uint32_t>(std::popcount(page_mask) * kPageSize);
}

std::string EncodeMemoryIndex(const std::vector<ChunkEntry>& chunks) {
  std::string out;
  out.reserve(chunks.size() * kIndexEntrySize);
  for (const ChunkEntry& chunk : chunks) {
    const DiskEntry disk = {
        .gpa = chunk.gpa,
        .offset = chunk.offset,
        .stored_length = chunk.stored_length,
        .page_mask = chunk.page_mask,
        .encoding = static_cast<uint8_t>(chunk.encoding),
        .reserved = 0,
        .checksum = chunk.checksum,
    };
    out.append(reinterpret_cast<const char*>(&disk), sizeof(disk));
  }
  return out;
}

absl::StatusOr<std::vector<ChunkEntry>> DecodeMemoryIndex(
    absl::string_view bytes, uint64_t memory_size, uint64_t file_length) {
  if (bytes.size() % kIndexEntrySize != 0) {
    return absl::DataLossError(
        absl::StrCat("the snapshot's memory index is damaged: ", bytes.size(),
                     " bytes are not a whole number of entries"));
  }
  std::vector<ChunkEntry> chunks;
  chunks.reserve(bytes.size() / kIndexEntrySize);
  for (size_t at = 0; at < bytes.size(); at += kIndexEntrySize) {
    DiskEntry disk;
    std::memcpy(&disk, bytes.data() + at, sizeof(disk));
    const char* fault =
        FindFault(disk, chunks.empty() ? nullptr : &chunks.back(), memory_size,
                  file_length);
    if (fault != nullptr) {
      return absl::DataLossError(absl::StrFormat(
          "the snapshot's memory index is damaged: the chunk at 0x%x %s",
          disk.gpa, fault));
    }
    chunks.push_back({.gpa = disk.gpa,
                      .offset = disk.offset,
                      .checksum = disk.checksum,
                      .stored_length = disk.stored_length,
                      .page_mask = disk.page_mask,
                      .encoding = static_cast<ChunkEncoding>(disk.encoding)});
  }
  return chunks;
}

}  // namespace crvm
