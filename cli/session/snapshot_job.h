// SPDX-License-Identifier: Apache-2.0
//
// Takes one snapshot, on a thread of its own: pause, save, resume, sync,
// publish. Whatever fails, the guest goes on and older snapshots stay.

#ifndef CRVM_CLI_SESSION_SNAPSHOT_JOB_H_
#define CRVM_CLI_SESSION_SNAPSHOT_JOB_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/control/messages.h"
#include "cli/session/guest.h"
#include "snapshot/format/header.h"

namespace crvm {

class SnapshotJob {
 public:
  struct Options {
    std::string store;          // root of the SnapshotStore
    SnapshotMetadata metadata;  // but for the time, which the job knows
    std::string tag;
    bool stop = false;  // leave the guest paused when it has succeeded
  };

  // `guest` must outlive this. `wake` is called on the job's thread when there
  // is progress or the job is done.
  SnapshotJob(Guest* guest, Options options, std::function<void()> wake);
  ~SnapshotJob();

  // ---- Main thread. ----

  bool done() const { return done_; }
  uint64_t progress_done() const { return progress_done_; }
  uint64_t progress_total() const { return progress_total_; }
  // When done.
  const absl::StatusOr<SnapshotReply>& result() const { return result_; }

 private:
  absl::StatusOr<SnapshotReply> Take();

  Guest* const guest_;
  const Options options_;
  const std::function<void()> wake_;
  std::atomic<bool> done_{false};
  std::atomic<uint64_t> progress_done_{0};
  std::atomic<uint64_t> progress_total_{0};
  absl::StatusOr<SnapshotReply> result_;  // once done_
  std::thread thread_;
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_SNAPSHOT_JOB_H_
