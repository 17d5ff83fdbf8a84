// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/memory_writer.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_format.h"
#include "snapshot/format/chunk_codec.h"
#include "snapshot/format/limits.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// A worker compresses this many chunks (1 MiB) before it writes.
constexpr size_t kBatch = 16;

struct Range {
  uint64_t gpa;
  absl::Span<const uint8_t> bytes;

  uint64_t end() const { return gpa + bytes.size(); }
};

// A chunk that has memory in use, and the first range that reaches into it.
struct Job {
  uint64_t gpa;
  size_t first_range;
};

absl::StatusOr<std::vector<Range>> CollectRanges(MemorySource& memory) {
  std::vector<Range> ranges;
  CRVM_RETURN_IF_ERROR(memory.ForEachInUse(
      [&](uint64_t gpa, absl::Span<const uint8_t> bytes) -> absl::Status {
        const uint64_t end = ranges.empty() ? 0 : ranges.back().end();
        if (gpa % kPageSize != 0 || bytes.size() % kPageSize != 0 ||
            gpa < end || gpa > kMaxGuestMemory ||
            bytes.size() > kMaxGuestMemory - gpa) {
          return absl::InternalError(absl::StrFormat(
              "the machine reported bad memory: %d bytes in use at 0x%x",
              bytes.size(), gpa));
        }
        if (!bytes.empty()) ranges.push_back({gpa, bytes});
        return absl::OkStatus();
      }));
  return ranges;
}

std::vector<Job> MakeJobs(const std::vector<Range>& ranges) {
  std::vector<Job> jobs;
  for (size_t i = 0; i < ranges.size(); ++i) {
    uint64_t gpa = ranges[i].gpa / kChunkSize * kChunkSize;
    if (!jobs.empty() && jobs.back().gpa == gpa) gpa += kChunkSize;
    for (; gpa < ranges[i].end(); gpa += kChunkSize) jobs.push_back({gpa, i});
  }
  return jobs;
}

// What the workers share.
struct Shared {
  explicit Shared(const MemoryWriterOptions& o) : options(o) {}

  const MemoryWriterOptions& options;
  std::vector<Range> ranges;
  std::vector<Job> jobs;
  std::atomic<uint64_t> file_length{0};
  std::atomic<uint64_t> jobs_done{0};
  std::mutex mutex;
  WrittenMemory written;  // guarded by mutex while workers run
};

class Worker {
 public:
  explicit Worker(Shared& shared)
      : shared_(shared),
        gather_(new uint8_t[kChunkSize]),
        out_(new uint8_t[kBatch * kChunkSize]) {}

  absl::Status Run(size_t begin, size_t end) {
    std::vector<ChunkEntry> entries;
    size_t filled = 0;
    uint64_t plain_length = 0;
    for (size_t i = begin; i < end; ++i) {
      ChunkEntry entry;
      const absl::Span<const uint8_t> plain = Gather(shared_.jobs[i], entry);
      if (plain.empty()) continue;
      encoder_.Encode(plain, out_.get() + filled, entry);
      entry.offset = filled;
      filled += entry.stored_length;
      plain_length += plain.size();
      entries.push_back(entry);
    }
    const uint64_t at = shared_.file_length.fetch_add(filled);
    for (ChunkEntry& entry : entries) entry.offset += at;
    const MemoryWriterOptions& options = shared_.options;
    CRVM_RETURN_IF_ERROR(options.file_system->WriteAt(
        options.fd, options.path, at, absl::MakeConstSpan(out_.get(), filled)));
    Report(end - begin);
    std::lock_guard<std::mutex> lock(shared_.mutex);
    std::vector<ChunkEntry>& chunks = shared_.written.chunks;
    chunks.insert(chunks.end(), entries.begin(), entries.end());
    shared_.written.plain_length += plain_length;
    return absl::OkStatus();
  }

 private:
  // The non-zero pages of a chunk, one after the other: in place when they are
  // neighbours, else copied together.
  absl::Span<const uint8_t> Gather(const Job& job, ChunkEntry& entry) {
    entry.gpa = job.gpa;
    const uint8_t* pages[kPagesPerChunk];
    size_t count = 0;
    bool neighbours = true;
    const uint64_t chunk_end = job.gpa + kChunkSize;
    for (size_t r = job.first_range; r < shared_.ranges.size(); ++r) {
      const Range& range = shared_.ranges[r];
      if (range.gpa >= chunk_end) break;
      const uint64_t end = std::min(range.end(), chunk_end);
      for (uint64_t gpa = std::max(range.gpa, job.gpa); gpa < end;
           gpa += kPageSize) {
        const uint8_t* page = range.bytes.data() + (gpa - range.gpa);
        if (IsZero(absl::MakeConstSpan(page, kPageSize))) continue;
        neighbours &= count == 0 || pages[count - 1] + kPageSize == page;
        pages[count++] = page;
        entry.page_mask |= 1u << ((gpa - job.gpa) / kPageSize);
      }
    }
    if (count == 0) return {};
    if (neighbours) return absl::MakeConstSpan(pages[0], count * kPageSize);
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(gather_.get() + i * kPageSize, pages[i], kPageSize);
    }
    return absl::MakeConstSpan(gather_.get(), count * kPageSize);
  }

  void Report(size_t jobs) {
    if (!shared_.options.progress) return;
    const uint64_t done = shared_.jobs_done.fetch_add(jobs) + jobs;
    shared_.options.progress(done * kChunkSize,
                             shared_.jobs.size() * kChunkSize);
  }

  Shared& shared_;
  ChunkEncoder encoder_;
  std::unique_ptr<uint8_t[]> gather_;
  std::unique_ptr<uint8_t[]> out_;
};

}  // namespace

absl::StatusOr<WrittenMemory> WriteMemory(MemorySource& memory,
                                          const MemoryWriterOptions& options) {
  Shared shared(options);
  CRVM_ASSIGN_OR_RETURN(shared.ranges, CollectRanges(memory));
  shared.jobs = MakeJobs(shared.ranges);
  CRVM_RETURN_IF_ERROR(
      RunBatches(options.threads, shared.jobs.size(), kBatch, [&] {
        auto worker = std::make_shared<Worker>(shared);
        return [worker](size_t begin, size_t end) {
          return worker->Run(begin, end);
        };
      }));
  shared.written.file_length = shared.file_length.load();
  std::sort(
      shared.written.chunks.begin(), shared.written.chunks.end(),
      [](const ChunkEntry& a, const ChunkEntry& b) { return a.gpa < b.gpa; });
  return std::move(shared.written);
}

}  // namespace crvm
