// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/memory_reader.h"

#include <errno.h>
#include <unistd.h>

#include <atomic>
#include <memory>

#include "absl/strings/str_cat.h"
#include "snapshot/format/chunk_codec.h"
#include "snapshot/format/limits.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// Chunks that are neighbours in the file are read together, up to 1 MiB.
constexpr size_t kBatch = 16;

class Worker {
 public:
  Worker(const std::vector<ChunkEntry>& chunks, MemorySink& memory,
         const MemoryReaderOptions& options, std::atomic<uint64_t>& done)
      : chunks_(chunks),
        memory_(memory),
        options_(options),
        done_(done),
        buffer_(new uint8_t[kBatch * kChunkSize]) {}

  absl::Status Run(size_t begin, size_t end) {
    for (size_t at = begin; at < end;) {
      const size_t run_end = EndOfRun(at, end);
      const uint64_t offset = chunks_[at].offset;
      const ChunkEntry& last = chunks_[run_end - 1];
      const size_t length = last.offset + last.stored_length - offset;
      CRVM_RETURN_IF_ERROR(ReadExactly(options_.fd, offset,
                                       absl::MakeSpan(buffer_.get(), length),
                                       "memory"));
      for (; at < run_end; ++at) {
        const ChunkEntry& chunk = chunks_[at];
        CRVM_RETURN_IF_ERROR(decoder_.Decode(
            chunk,
            absl::MakeConstSpan(buffer_.get() + (chunk.offset - offset),
                                chunk.stored_length),
            memory_));
      }
    }
    if (options_.progress) {
      const uint64_t done = done_.fetch_add(end - begin) + (end - begin);
      options_.progress(done * kChunkSize, chunks_.size() * kChunkSize);
    }
    return absl::OkStatus();
  }

 private:
  // The longest run of chunks from `at` that lie one after the other in the
  // file. A run has at most kBatch chunks, so it fits the buffer.
  size_t EndOfRun(size_t at, size_t end) const {
    size_t i = at + 1;
    while (i < end && chunks_[i].offset == chunks_[i - 1].offset +
                                               chunks_[i - 1].stored_length) {
      ++i;
    }
    return i;
  }

  const std::vector<ChunkEntry>& chunks_;
  MemorySink& memory_;
  const MemoryReaderOptions& options_;
  std::atomic<uint64_t>& done_;
  ChunkDecoder decoder_;
  std::unique_ptr<uint8_t[]> buffer_;
};

}  // namespace

absl::Status ReadExactly(int fd, uint64_t offset, absl::Span<uint8_t> out,
                         absl::string_view what) {
  while (!out.empty()) {
    const ssize_t n =
        pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      return ErrnoStatus(errno, absl::StrCat("read the snapshot's ", what));
    }
    if (n == 0) {
      return absl::DataLossError(
          absl::StrCat("the snapshot's ", what, " is truncated"));
    }
    out.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return absl::OkStatus();
}

absl::Status ReadMemory(const std::vector<ChunkEntry>& chunks,
                        MemorySink& memory,
                        const MemoryReaderOptions& options) {
  std::atomic<uint64_t> done{0};
  return RunBatches(options.threads, chunks.size(), kBatch, [&] {
    auto worker = std::make_shared<Worker>(chunks, memory, options, done);
    return
        [worker](size_t begin, size_t end) { return worker->Run(begin, end); };
  });
}

}  // namespace crvm
