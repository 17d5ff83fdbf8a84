// SPDX-License-Identifier: Apache-2.0
//
// The constants of docs/snapshot_format.md. Numbers here are written to disk
// or bound what a reader accepts: change them only together with that page.

#ifndef CRVM_SNAPSHOT_FORMAT_LIMITS_H_
#define CRVM_SNAPSHOT_FORMAT_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace crvm {

inline constexpr char kSnapshotMagic[8] = {'c', 'r', 'v', 'm',
                                           's', 'n', 'a', 'p'};
inline constexpr uint32_t kSnapshotFormatVersion = 1;

inline constexpr char kHeaderFileName[] = "header";
inline constexpr char kStateFileName[] = "state";
inline constexpr char kMemoryFileName[] = "memory";
inline constexpr char kMemoryIndexSection[] = "memory.index";
inline constexpr uint32_t kMemoryIndexVersion = 1;

inline constexpr size_t kHeaderLeadLength = 64;
inline constexpr uint64_t kMaxHeaderBody = uint64_t{1} << 20;
inline constexpr size_t kMaxMetadataRecords = 256;
inline constexpr size_t kMaxArgs = 65536;
inline constexpr size_t kMaxCpuEntries = 64;
inline constexpr size_t kMaxSections = 4096;
inline constexpr size_t kMaxSectionName = 31;
inline constexpr size_t kMaxVmName = 64;
inline constexpr uint64_t kMaxSectionInMemory = uint64_t{1} << 30;
inline constexpr uint64_t kMaxGuestMemory = uint64_t{1} << 46;

inline constexpr uint64_t kPageSize = 4096;
inline constexpr uint64_t kChunkSize = 65536;
inline constexpr size_t kPagesPerChunk = kChunkSize / kPageSize;
inline constexpr size_t kIndexEntrySize = 32;

inline constexpr uint32_t kMemoryEncodingLz4Chunks = 1;

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_LIMITS_H_
