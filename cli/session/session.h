// SPDX-License-Identifier: Apache-2.0
//
// One VM from its start to its end: the vCPU thread, the user's consoles,
// signals, the control socket, and snapshots, brought together in one poll
// loop on the main thread.

#ifndef CRVM_CLI_SESSION_SESSION_H_
#define CRVM_CLI_SESSION_SESSION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/base/wake_fd.h"
#include "cli/control/control_server.h"
#include "cli/session/console_end.h"
#include "cli/session/guest.h"
#include "cli/session/host_signals.h"
#include "cli/session/snapshot_job.h"
#include "snapshot/format/header.h"

namespace crvm {

class Session : private ControlServer::Handler {
 public:
  struct Options {
    std::string store;          // root of the SnapshotStore
    SnapshotMetadata metadata;  // of the snapshots to be taken
    bool detached = false;
  };

  // All must outlive the session. `listener` as from ListenControl.
  Session(Guest* guest, ConsoleEnd* console, UniqueFd listener,
          Options options);
  ~Session();

  // Runs the guest to its end; the exit code for this process. A status when
  // the guest did not end by itself: its message is for the user.
  absl::StatusOr<int> Run();

 private:
  void StartVcpu();
  absl::Status LoopOnce(int timeout_ms);
  absl::Status LoopUntilEnd();
  void OnSignal(int signal);
  void OnGuestStopped(int signal);
  void OnJobEvent();
  void FinishJob();

  // ControlServer::Handler:
  void OnInfo(ControlServer::ClientId client) override;
  void OnSnapshot(ControlServer::ClientId client,
                  const SnapshotRequest& request) override;
  void OnKill(ControlServer::ClientId client,
              const KillRequest& request) override;
  void OnResize(ControlServer::ClientId client,
                const ResizeRequest& request) override;

  Guest* const guest_;
  ConsoleEnd* const console_;
  const Options options_;
  const uint64_t started_ns_;
  WakeFd wake_;
  ControlServer control_;
  HostSignals signals_;

  std::thread vcpu_thread_;
  absl::StatusOr<int> wait_status_;  // once ended_
  std::atomic<bool> ended_{false};
  std::atomic<int> stopped_by_{0};  // the signal, until the loop has seen it
  bool guest_is_stopped_ = false;

  std::unique_ptr<SnapshotJob> job_;
  ControlServer::ClientId job_client_ = 0;
  bool job_stops_ = false;
  uint64_t job_reported_ = 0;
  bool killed_ = false;     // by `crvm kill`; at once, or when the job is done
  std::string stopped_as_;  // the snapshot that --stop took
};

// The exit code for a wait status: the program's own, or 128 + signal.
int ExitCodeOfWaitStatus(int wait_status);

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_SESSION_H_
