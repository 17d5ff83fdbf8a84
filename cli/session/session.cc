// SPDX-License-Identifier: Apache-2.0

#include "cli/session/session.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

uint64_t UnixNanoseconds() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

int ExitCodeOfWaitStatus(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return kExitSignalBase + WTERMSIG(wait_status);
  }
  return WEXITSTATUS(wait_status);
}

Session::Session(Guest* guest, ConsoleEnd* console, UniqueFd listener,
                 Options options)
    : guest_(guest),
      console_(console),
      options_(std::move(options)),
      started_ns_(UnixNanoseconds()),
      control_(std::move(listener), this),
      signals_([this](int signal) { OnSignal(signal); }),
      wait_status_(absl::UnknownError("the guest has not ended")) {
  guest_->set_interest_callback([this] { wake_.Notify(); });
  guest_->set_stopped_callback([this](int signal) {
    stopped_by_ = signal;
    wake_.Notify();
  });
}

Session::~Session() {
  // Only after an error of the loop is the guest still running.
  if (vcpu_thread_.joinable()) {
    guest_->Kill();
    vcpu_thread_.join();
  }
}

void Session::StartVcpu() {
  vcpu_thread_ = std::thread([this] {
    wait_status_ = guest_->Run();
    ended_ = true;
    wake_.Notify();
  });
}

absl::Status Session::LoopOnce(int timeout_ms) {
  PollSet set;
  set.Add(wake_.fd(), POLLIN, [this](short) { wake_.Clear(); });
  signals_.AddTo(set);
  console_->AddTo(set);
  control_.AddTo(set);
  CRVM_RETURN_IF_ERROR(set.Run(timeout_ms));
  const int stopped_by = stopped_by_.exchange(0);
  if (stopped_by != 0) OnGuestStopped(stopped_by);
  if (job_ != nullptr) OnJobEvent();
  return absl::OkStatus();
}

absl::Status Session::LoopUntilEnd() {
  while (!ended_) CRVM_RETURN_IF_ERROR(LoopOnce(-1));
  vcpu_thread_.join();
  // What is left unread on stdin is for others.
  console_->set_input_enabled(false);
  // A snapshot that is being written outlives the program: it was asked for
  // while it ran.
  while (job_ != nullptr || !console_->Flushed()) {
    CRVM_RETURN_IF_ERROR(LoopOnce(-1));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Session::Run() {
  CRVM_RETURN_IF_ERROR(console_->Attach());
  StartVcpu();
  const absl::Status status = LoopUntilEnd();
  console_->OnSuspend();
  CRVM_RETURN_IF_ERROR(status);
  control_.Drain();
  if (!stopped_as_.empty()) {
    return WithExitCode(
        absl::CancelledError(
            absl::StrCat("stopped after its snapshot was taken; `crvm resume ",
                         stopped_as_, "` goes on")),
        kExitStopped);
  }
  if (killed_ && !wait_status_.ok()) {
    return WithExitCode(absl::CancelledError("killed by `crvm kill`"),
                        kExitKilled);
  }
  CRVM_RETURN_IF_ERROR(wait_status_.status());
  return ExitCodeOfWaitStatus(*wait_status_);
}

void Session::OnSignal(int signal) {
  switch (signal) {
    case SIGWINCH:
      console_->OnWindowChanged();
      return;
    case SIGTSTP:
      console_->OnSuspend();
      HostSignals::StopSelf(/*whole_group=*/false);
      return;
    case SIGCONT:
      console_->OnContinue();
      if (std::exchange(guest_is_stopped_, false)) {
        (void)guest_->SendSignal(SIGCONT, SignalTarget::kForeground);
      }
      return;
    case SIGINT:
    case SIGQUIT:
      // As from the keyboard.
      (void)guest_->SendSignal(signal, SignalTarget::kForeground);
      return;
    default:
      (void)guest_->SendSignal(signal, SignalTarget::kProgram);
  }
}

// The program was stopped, say by ^Z at the guest's own terminal: then so is
// crvm, for the shell that started it.
void Session::OnGuestStopped(int signal) {
  guest_is_stopped_ = true;
  if (console_->OnGuestStopped(signal)) return;
  if (options_.detached) return;
  console_->OnSuspend();
  HostSignals::StopSelf(/*whole_group=*/true);
  // SIGCONT, which has woken us, is waiting in the signalfd. Without one
  // nobody could have: then the program stays stopped until `crvm kill
  // --signal=CONT`.
  console_->OnContinue();
}

void Session::OnJobEvent() {
  if (job_->done()) {
    FinishJob();
    return;
  }
  const uint64_t done = job_->progress_done();
  if (done == job_reported_) return;
  job_reported_ = done;
  control_.Reply(
      job_client_, ControlMessage::kProgress,
      Encode(ProgressReply{.done = done, .total = job_->progress_total()}));
}

void Session::FinishJob() {
  const absl::StatusOr<SnapshotReply>& result = job_->result();
  if (result.ok()) {
    control_.Reply(job_client_, ControlMessage::kSnapshotReply,
                   Encode(*result));
    if (job_stops_) {
      stopped_as_ = result->id;
      guest_->Kill();
    }
  } else {
    control_.ReplyError(job_client_, result.status(),
                        ExitCodeOf(result.status()));
  }
  job_.reset();
  if (killed_) guest_->Kill();
  if (!ended_) console_->set_input_enabled(true);
}

void Session::OnInfo(ControlServer::ClientId client) {
  const char* state = "running";
  if (guest_is_stopped_) state = "stopped";
  if (job_ != nullptr) state = "saving";
  control_.Reply(client, ControlMessage::kInfoReply,
                 Encode(VmInfo{.name = options_.metadata.name,
                               .pid = static_cast<uint32_t>(getpid()),
                               .argv = options_.metadata.argv,
                               .started_ns = started_ns_,
                               .memory_size = guest_->memory_size(),
                               .privilege = guest_->privilege(),
                               .state = state,
                               .parent = options_.metadata.parent,
                               .detached = options_.detached}));
}

void Session::OnSnapshot(ControlServer::ClientId client,
                         const SnapshotRequest& request) {
  if (job_ != nullptr) {
    control_.ReplyError(
        client,
        absl::UnavailableError("another snapshot of it is being taken: try "
                               "again when that is done"),
        kExitError);
    return;
  }
  console_->set_input_enabled(false);
  job_client_ = client;
  job_stops_ = request.stop;
  job_reported_ = 0;
  job_ = std::make_unique<SnapshotJob>(
      guest_,
      SnapshotJob::Options{.store = options_.store,
                           .metadata = options_.metadata,
                           .tag = request.tag,
                           .stop = request.stop},
      [this] { wake_.Notify(); });
}

void Session::OnKill(ControlServer::ClientId client,
                     const KillRequest& request) {
  absl::Status status;
  if (request.signal == 0) {
    killed_ = true;
    // A guest that is just being saved must not end under the save.
    if (job_ == nullptr) guest_->Kill();
  } else {
    status = guest_->SendSignal(static_cast<int>(request.signal),
                                SignalTarget::kProgram);
    if (request.signal == SIGCONT) guest_is_stopped_ = false;
  }
  if (status.ok()) {
    control_.Reply(client, ControlMessage::kOk, "");
  } else {
    control_.ReplyError(client, status, kExitError);
  }
}

void Session::OnResize(ControlServer::ClientId client,
                       const ResizeRequest& request) {
  if (guest_->tty() != nullptr) {
    guest_->tty()->SetWindowSize(request.cols, request.rows);
  }
  control_.Reply(client, ControlMessage::kOk, "");
}

}  // namespace crvm
