// SPDX-License-Identifier: Apache-2.0

#include "cli/session/snapshot_job.h"

#include <time.h>

#include <chrono>
#include <utility>

#include "snapshot/store/snapshot_store.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

using Clock = std::chrono::steady_clock;

uint64_t MicrosecondsSince(Clock::time_point start) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() -
                                                            start)
          .count());
}

uint64_t UnixNanoseconds() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(now.tv_nsec);
}

// Resumes a paused guest, on whatever way out.
class ResumeGuard {
 public:
  explicit ResumeGuard(Guest* guest) : guest_(guest) {}
  ResumeGuard(const ResumeGuard&) = delete;
  ResumeGuard& operator=(const ResumeGuard&) = delete;
  ~ResumeGuard() { Resume(); }

  void Resume() {
    if (guest_ != nullptr) std::exchange(guest_, nullptr)->Resume();
  }
  void StayPaused() { guest_ = nullptr; }

 private:
  Guest* guest_;
};

}  // namespace

SnapshotJob::SnapshotJob(Guest* guest, Options options,
                         std::function<void()> wake)
    : guest_(guest),
      options_(std::move(options)),
      wake_(std::move(wake)),
      result_(absl::UnknownError("the snapshot is not done")) {
  thread_ = std::thread([this] {
    result_ = Take();
    done_ = true;
    wake_();
  });
}

SnapshotJob::~SnapshotJob() { thread_.join(); }

absl::StatusOr<SnapshotReply> SnapshotJob::Take() {
  const Clock::time_point start = Clock::now();
  const std::string& name = options_.metadata.name;
  CRVM_ASSIGN_OR_RETURN(SnapshotStore store,
                        SnapshotStore::Open(options_.store));
  SnapshotWriter::Options writer_options;
  writer_options.progress = [this](uint64_t done, uint64_t total) {
    progress_done_ = done;
    progress_total_ = total;
    wake_();
  };
  CRVM_ASSIGN_OR_RETURN(auto writer,
                        store.Begin(name, options_.tag, writer_options));

  CRVM_RETURN_IF_ERROR(guest_->Pause());
  const Clock::time_point paused = Clock::now();
  uint64_t pause_us = 0;
  ResumeGuard guard(guest_);
  SnapshotMetadata metadata = options_.metadata;
  metadata.created_ns = UnixNanoseconds();
  CRVM_RETURN_IF_ERROR(guest_->Save(*writer));
  if (!options_.stop) {
    // Everything is in the page cache: the program need not wait for the disk.
    guard.Resume();
    pause_us = MicrosecondsSince(paused);
  }
  CRVM_RETURN_IF_ERROR(writer->Finish(std::move(metadata)));
  CRVM_ASSIGN_OR_RETURN(const StoredSnapshot stored,
                        store.Publish(*writer, name, options_.tag));
  if (options_.stop) {
    guard.StayPaused();
    pause_us = MicrosecondsSince(paused);
  }
  return SnapshotReply{.id = stored.id(),
                       .tag = stored.tag,
                       .memory_used = writer->header().metadata.memory_used,
                       .stored_bytes = SnapshotDiskSize(stored),
                       .pause_us = pause_us,
                       .total_us = MicrosecondsSince(start)};
}

}  // namespace crvm
