// SPDX-License-Identifier: Apache-2.0
//
// Fills guest memory from the file `memory`, on several threads. Called from
// the thread that restores. The file is untrusted.

#ifndef CRVM_SNAPSHOT_FORMAT_MEMORY_READER_H_
#define CRVM_SNAPSHOT_FORMAT_MEMORY_READER_H_

#include <vector>

#include "absl/status/status.h"
#include "snapshot/format/memory_index.h"
#include "snapshot/format/parallel.h"
#include "vmm/machine/component_sink.h"

namespace crvm {

struct MemoryReaderOptions {
  int fd = -1;
  int threads = 1;
  ProgressFunction progress = {};  // may be empty
};

absl::Status ReadMemory(const std::vector<ChunkEntry>& chunks,
                        MemorySink& memory, const MemoryReaderOptions& options);

// Reads exactly out.size() bytes at `offset`. DataLoss, naming `what`, when
// the file ends before.
absl::Status ReadExactly(int fd, uint64_t offset, absl::Span<uint8_t> out,
                         absl::string_view what);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_MEMORY_READER_H_
