// SPDX-License-Identifier: Apache-2.0
//
// Compresses guest memory into the file `memory`, on several threads. Called
// from the thread that saves; trusts the machine that it saves.

#ifndef CRVM_SNAPSHOT_FORMAT_MEMORY_WRITER_H_
#define CRVM_SNAPSHOT_FORMAT_MEMORY_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "snapshot/format/file_system.h"
#include "snapshot/format/memory_index.h"
#include "snapshot/format/parallel.h"
#include "vmm/machine/component_sink.h"

namespace crvm {

struct MemoryWriterOptions {
  FileSystem* file_system = nullptr;
  int fd = -1;
  std::string path;  // for messages
  int threads = 1;
  ProgressFunction progress = {};  // may be empty
};

struct WrittenMemory {
  std::vector<ChunkEntry> chunks;  // ascending
  uint64_t file_length = 0;
  uint64_t plain_length = 0;  // of all stored pages
};

absl::StatusOr<WrittenMemory> WriteMemory(MemorySource& memory,
                                          const MemoryWriterOptions& options);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_MEMORY_WRITER_H_
