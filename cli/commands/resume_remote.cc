// SPDX-License-Identifier: Apache-2.0

#include "cli/commands/resume_remote.h"

#include <signal.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/base/progress_bar.h"
#include "cli/commands/output.h"
#include "cli/commands/ssh_connection.h"
#include "cli/session/console_client.h"
#include "cli/session/host_signals.h"
#include "snapshot/format/limits.h"
#include "snapshot/transfer/outgoing_snapshot.h"
#include "snapshot/transfer/protocol.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// The user may have to type a passphrase.
constexpr int kHelloTimeoutMs = 300'000;
// Verifying and syncing what was sent takes the other side a while.
constexpr int kAnswerTimeoutMs = 600'000;

class Sender {
 public:
  Sender(const RemoteResume& options, const StoredSnapshot& snapshot,
         const SnapshotHeader& header)
      : options_(options), snapshot_(snapshot), header_(header) {}

  absl::StatusOr<int> Run() {
    const std::string crvm =
        options_.remote_crvm.empty() ? "crvm" : options_.remote_crvm;
    CRVM_ASSIGN_OR_RETURN(
        ssh_, SshConnection::Start(options_.host,
                                   absl::StrCat(ShellWord(crvm), " receive")));
    CRVM_RETURN_IF_ERROR(Greet());
    CRVM_RETURN_IF_ERROR(Offer());
    CRVM_RETURN_IF_ERROR(SendFiles());
    CRVM_ASSIGN_OR_RETURN(const TransferStarted started, AwaitStart());
    return Attend(started);
  }

 private:
  absl::Status Lost(absl::string_view when) const {
    return absl::UnavailableError(absl::StrCat("the connection was lost ", when,
                                               "; the snapshot here ",
                                               "is as it was: try again"));
  }

  // The marker and Hello.
  absl::Status Greet() {
    FrameChannel& channel = ssh_->channel();
    const absl::Status marker =
        channel.SkipTo(kTransferMarker, kMaxNoiseBeforeMarker, kHelloTimeoutMs);
    if (absl::IsNotFound(marker)) return NoCrvmThere(marker.message());
    CRVM_RETURN_IF_ERROR(marker);
    CRVM_ASSIGN_OR_RETURN(const std::string payload,
                          Expect(TransferMessage::kHello, "at the start"));
    TransferHello hello;
    CRVM_RETURN_IF_ERROR(Decode(payload, hello));
    if (hello.protocol != kTransferProtocolVersion) {
      return absl::FailedPreconditionError(absl::StrCat(
          "crvm ", hello.crvm_version, " there speaks transfer protocol ",
          hello.protocol, ", this one ", kTransferProtocolVersion,
          ": use the same version on both"));
    }
    if (hello.format_version < kSnapshotFormatVersion) {
      return absl::FailedPreconditionError(absl::StrCat(
          "crvm ", hello.crvm_version, " there reads snapshot formats up to ",
          hello.format_version, ", this snapshot has ", kSnapshotFormatVersion,
          ": use a newer crvm there"));
    }
    return absl::OkStatus();
  }

  absl::Status NoCrvmThere(absl::string_view said) {
    const int code = ssh_->Wait();
    if (code == 255) {
      return absl::UnavailableError("ssh could not connect (see above)");
    }
    if (code == kExitNotFound || code == kExitNotExecutable) {
      return absl::NotFoundError(
          "no crvm there: copy this binary to a directory in PATH there, or "
          "say where it is with --remote-crvm PATH");
    }
    return absl::FailedPreconditionError(
        absl::StrCat("crvm there did not answer (exit code ", code,
                     said.empty() ? "" : "; it said: ", said, ")"));
  }

  // The payload of the next message, which must be `type`. What the peer says
  // of its failure becomes the status.
  absl::StatusOr<std::string> Expect(TransferMessage type,
                                     absl::string_view when) {
    absl::StatusOr<Frame> frame = ssh_->channel().Receive(kAnswerTimeoutMs);
    if (absl::IsUnavailable(frame.status())) return Lost(when);
    CRVM_RETURN_IF_ERROR(frame.status());
    const auto got = static_cast<TransferMessage>(frame->type);
    if (got == type) return std::move(frame->payload);
    if (got != TransferMessage::kRefuse && got != TransferMessage::kFailed) {
      return absl::DataLossError("the other end answers out of turn");
    }
    TransferOutcome outcome;
    CRVM_RETURN_IF_ERROR(Decode(frame->payload, outcome));
    return WithExitCode(absl::FailedPreconditionError(outcome.message),
                        static_cast<int>(outcome.exit_code & 0xff));
  }

  absl::Status Offer() {
    TransferOffer offer;
    CRVM_ASSIGN_OR_RETURN(offer.header, ReadHeaderFile(snapshot_.directory));
    offer.name = options_.name;
    offer.detach = options_.detach;
    offer.clock = options_.restore.clock;
    offer.files = options_.restore.files;
    offer.privilege = options_.restore.privilege;
    const WindowSize size = HostWindowSize();
    offer.cols = size.cols;
    offer.rows = size.rows;
    CRVM_RETURN_IF_ERROR(ssh_->channel().Send(
        static_cast<uint16_t>(TransferMessage::kOffer), Encode(offer)));
    return Expect(TransferMessage::kAccept, "at the start").status();
  }

  absl::Status SendFiles() {
    ProgressBar bar(
        absl::StrCat("sending ", snapshot_.id(), " to ", options_.host),
        STDERR_FILENO);
    const absl::Status status = SendSnapshotFiles(
        snapshot_.directory, header_, ssh_->channel(),
        [&](uint64_t done, uint64_t total) { bar.Update(done, total); });
    if (absl::IsUnavailable(status)) return Lost("while sending");
    CRVM_RETURN_IF_ERROR(status);
    return Expect(TransferMessage::kCommitted, "before all had arrived")
        .status();
  }

  absl::StatusOr<TransferStarted> AwaitStart() {
    CRVM_ASSIGN_OR_RETURN(
        const std::string payload,
        Expect(TransferMessage::kStarted, "before the program went on"));
    TransferStarted started;
    CRVM_RETURN_IF_ERROR(Decode(payload, started));
    return started;
  }

  // The program runs there.
  absl::StatusOr<int> Attend(const TransferStarted& started) {
    HostSignals::Block();
    ConsoleClient client(&ssh_->channel(), started);
    const auto outcome = client.Run();
    if (absl::IsUnavailable(outcome.status())) {
      return absl::UnavailableError(absl::StrCat(
          "the connection was lost while the program ran there; the snapshot ",
          "here is as it was"));
    }
    CRVM_RETURN_IF_ERROR(outcome.status());
    const int exit_code = static_cast<int>(outcome->exit_code & 0xff);
    if (options_.detach && outcome->exit_code == 0) {
      return PrintOut(absl::StrCat(outcome->message, "\n"));
    }
    if (!outcome->message.empty()) {
      return WithExitCode(absl::UnknownError(outcome->message), exit_code);
    }
    return exit_code;
  }

  const RemoteResume& options_;
  const StoredSnapshot& snapshot_;
  const SnapshotHeader& header_;
  std::unique_ptr<SshConnection> ssh_;
};

}  // namespace

int ResumeRemote(const RemoteResume& options, const StoredSnapshot& snapshot,
                 const SnapshotHeader& header) {
  signal(SIGPIPE, SIG_IGN);
  const auto exit_code = Sender(options, snapshot, header).Run();
  return exit_code.ok() ? *exit_code : Fail(options.host, exit_code.status());
}

}  // namespace crvm
