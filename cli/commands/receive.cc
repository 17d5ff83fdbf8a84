// SPDX-License-Identifier: Apache-2.0
//
// crvm receive: the receiver of docs/transfer_protocol.md. Its stdin and stdout
// are the connection; the sender at the other end is not trusted.

#include <fcntl.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/base/units.h"
#include "cli/base/version.h"
#include "cli/commands/command.h"
#include "cli/commands/resume_plan.h"
#include "cli/commands/vm_runner.h"
#include "cli/session/host_signals.h"
#include "cli/session/remote_console.h"
#include "snapshot/format/limits.h"
#include "snapshot/store/snapshot_store.h"
#include "snapshot/transfer/incoming_snapshot.h"
#include "snapshot/transfer/protocol.h"
#include "snapshot/wire/frame_channel.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr char kHelp[] =
    R"(crvm receive

The other end of `crvm resume NAME --on HOST`, which starts it on HOST through
ssh. There is no use in starting it by hand.
)";

// A sender that says nothing for so long is gone.
constexpr int kTimeoutMs = 300'000;

uint64_t FreeDiskSpace(const std::string& path) {
  struct statvfs info;
  if (statvfs(path.c_str(), &info) < 0) return ~uint64_t{0};
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

class Receiver {
 public:
  Receiver(GuestFactory& guests, Locations locations, FrameChannel& channel)
      : guests_(guests), locations_(std::move(locations)), channel_(channel) {}

  // The exit code to report, if it came to that.
  absl::StatusOr<int> Run() {
    CRVM_RETURN_IF_ERROR(Greet());
    const absl::Status acceptable = TakeOffer();
    if (!acceptable.ok()) {
      (void)SendOutcome(TransferMessage::kRefuse, acceptable);
      return acceptable;
    }
    const auto exit_code = Proceed();
    if (!exit_code.ok() && !reported_) {
      (void)SendOutcome(TransferMessage::kFailed, exit_code.status());
    }
    return exit_code;
  }

 private:
  absl::Status Send(TransferMessage type, absl::string_view payload) {
    return channel_.Send(static_cast<uint16_t>(type), payload, kTimeoutMs);
  }

  absl::Status SendOutcome(TransferMessage type, const absl::Status& status) {
    return Send(type, Encode(TransferOutcome{
                          .exit_code = static_cast<uint32_t>(
                              status.ok() ? 0 : ExitCodeOf(status)),
                          .message = std::string(status.message())}));
  }

  absl::Status Greet() {
    const SnapshotMetadata here = HostMetadata(guests_.abi_version());
    const absl::string_view marker = kTransferMarker;
    if (write(channel_.write_fd(), marker.data(), marker.size()) !=
        static_cast<ssize_t>(marker.size())) {
      return ErrnoStatus(errno, "write to the sender");
    }
    return Send(TransferMessage::kHello,
                Encode(TransferHello{.protocol = kTransferProtocolVersion,
                                     .crvm_version = kCrvmVersion,
                                     .format_version = kSnapshotFormatVersion,
                                     .abi_version = guests_.abi_version(),
                                     .host = here.host}));
  }

  // Reads the offer and decides.
  absl::Status TakeOffer() {
    CRVM_ASSIGN_OR_RETURN(const Frame frame, channel_.Receive(kTimeoutMs));
    if (static_cast<TransferMessage>(frame.type) != TransferMessage::kOffer) {
      return absl::DataLossError("the sender begins out of turn");
    }
    CRVM_RETURN_IF_ERROR(Decode(frame.payload, offer_));
    CRVM_RETURN_IF_ERROR(CheckVmName(offer_.name));
    restore_ = {.privilege = offer_.privilege,
                .clock = offer_.clock,
                .files = offer_.files};
    CRVM_RETURN_IF_ERROR(CheckRestoreOptions(restore_));
    CRVM_ASSIGN_OR_RETURN(header_, DecodeHeader(offer_.header));
    CRVM_RETURN_IF_ERROR(CheckHostFor(header_.metadata, guests_));
    CRVM_ASSIGN_OR_RETURN(SnapshotStore store,
                          SnapshotStore::Open(locations_.store));
    store_ = std::make_unique<SnapshotStore>(std::move(store));
    CRVM_RETURN_IF_ERROR(CheckDiskSpace());
    VmPlan plan;
    plan.name = offer_.name;
    CRVM_ASSIGN_OR_RETURN(claim_, ClaimName(locations_, plan));
    // A background process will claim it anew.
    if (offer_.detach) claim_.reset();
    return absl::OkStatus();
  }

  absl::Status CheckDiskSpace() const {
    const uint64_t free = FreeDiskSpace(store_->root());
    // Each is a file's length in a verified header, but of any size.
    if (header_.state_length <= free &&
        header_.memory_length <= free - header_.state_length) {
      return absl::OkStatus();
    }
    return absl::ResourceExhaustedError(
        absl::StrCat("not enough disk space: the snapshot takes ",
                     FormatSize(header_.memory_length), ", ", FormatSize(free),
                     " are free in ", store_->root()));
  }

  absl::StatusOr<int> Proceed() {
    CRVM_RETURN_IF_ERROR(Send(TransferMessage::kAccept, ""));
    CRVM_ASSIGN_OR_RETURN(const StoredSnapshot snapshot, ReceiveFiles());
    CRVM_RETURN_IF_ERROR(
        Send(TransferMessage::kCommitted, Encode(TransferText{snapshot.id()})));
    VmPlan plan =
        PlanOfSnapshot(snapshot, header_.metadata, offer_.name, guests_);
    plan.detach = offer_.detach;
    return offer_.detach ? RunDetached(snapshot, std::move(plan))
                         : RunAttended(snapshot, plan);
  }

  absl::StatusOr<StoredSnapshot> ReceiveFiles() {
    std::unique_ptr<IncomingSnapshot> incoming;
    CRVM_RETURN_IF_ERROR(store_->BeginWith(
        offer_.name, "", [&](const std::string& path) -> absl::Status {
          CRVM_ASSIGN_OR_RETURN(incoming,
                                IncomingSnapshot::Create(path, offer_.header,
                                                         &FileSystem::Host()));
          return absl::OkStatus();
        }));
    for (;;) {
      CRVM_ASSIGN_OR_RETURN(const Frame frame, channel_.Receive(kTimeoutMs));
      const auto type = static_cast<TransferMessage>(frame.type);
      if (type == TransferMessage::kData) {
        TransferData data;
        CRVM_RETURN_IF_ERROR(Decode(frame.payload, data));
        CRVM_RETURN_IF_ERROR(incoming->OnData(data));
        continue;
      }
      if (type != TransferMessage::kDataEnd) {
        return absl::DataLossError("the sender sends out of turn");
      }
      TransferDataEnd end;
      CRVM_RETURN_IF_ERROR(Decode(frame.payload, end));
      CRVM_RETURN_IF_ERROR(incoming->Finish(end));
      break;
    }
    return store_->PublishWith(offer_.name, "", [&](const std::string& path) {
      return incoming->Publish(path);
    });
  }

  // The program goes on at the sender's terminal.
  absl::StatusOr<int> RunAttended(const StoredSnapshot& snapshot,
                                  const VmPlan& plan) {
    HostSignals::Block();
    std::vector<std::string> warnings;
    CRVM_ASSIGN_OR_RETURN(
        const std::unique_ptr<Guest> guest,
        RestoreGuest(snapshot, restore_, guests_,
                     [&](const std::string& w) { warnings.push_back(w); }));
    TransferStarted started;
    for (int fd = 0; fd < 3; ++fd) started.tty[fd] = guest->IsTty(fd);
    CRVM_RETURN_IF_ERROR(Send(TransferMessage::kStarted, Encode(started)));
    for (const std::string& warning : warnings) {
      CRVM_RETURN_IF_ERROR(
          Send(TransferMessage::kWarning, Encode(TransferText{warning})));
    }
    RemoteConsole console(guest.get(), &channel_);
    const auto exit_code =
        RunSession(locations_, plan, *claim_, *guest, console);
    reported_ = true;
    TransferOutcome outcome;
    if (exit_code.ok()) {
      outcome.exit_code = static_cast<uint32_t>(*exit_code);
    } else {
      outcome.exit_code = static_cast<uint32_t>(ExitCodeOf(exit_code.status()));
      outcome.message = std::string(exit_code.status().message());
    }
    CRVM_RETURN_IF_ERROR(Send(TransferMessage::kExit, Encode(outcome)));
    return kExitOk;
  }

  absl::StatusOr<int> RunDetached(const StoredSnapshot& snapshot, VmPlan plan) {
    plan.make_guest = [&] {
      return RestoreGuest(snapshot, restore_, guests_, PrintWarning);
    };
    CRVM_ASSIGN_OR_RETURN(const std::string name,
                          StartDetached(locations_, plan));
    CRVM_RETURN_IF_ERROR(
        Send(TransferMessage::kStarted, Encode(TransferStarted())));
    reported_ = true;
    CRVM_RETURN_IF_ERROR(
        Send(TransferMessage::kExit,
             Encode(TransferOutcome{.exit_code = 0, .message = name})));
    return kExitOk;
  }

  GuestFactory& guests_;
  const Locations locations_;
  FrameChannel& channel_;
  TransferOffer offer_;
  GuestRestoreOptions restore_;
  SnapshotHeader header_;
  std::unique_ptr<SnapshotStore> store_;
  std::unique_ptr<VmClaim> claim_;
  bool reported_ = false;  // the outcome has been told
};

// Moves the connection away from fds 0 and 1, where a stray print would damage
// it.
absl::StatusOr<std::unique_ptr<FrameChannel>> TakeConnection() {
  UniqueFd in(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  UniqueFd out(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!in.valid() || !out.valid() || !null.valid() ||
      dup2(null.get(), STDIN_FILENO) < 0 ||
      dup2(null.get(), STDOUT_FILENO) < 0) {
    return ErrnoStatus(errno, "set up the connection");
  }
  return std::make_unique<FrameChannel>(std::move(in), std::move(out));
}

int Receive(CommandContext& context, const std::vector<std::string>& args) {
  ArgParser parser;
  const auto operands = parser.Parse(args);
  if (!operands.ok()) return UsageError(ReceiveCommand(), operands.status());
  if (!operands->empty() || isatty(STDIN_FILENO) == 1) {
    return UsageError(ReceiveCommand(),
                      absl::InvalidArgumentError(
                          "is started by `crvm resume NAME --on HOST`"));
  }
  signal(SIGPIPE, SIG_IGN);
  const auto channel = TakeConnection();
  if (!channel.ok()) return Fail("receive", channel.status());
  const auto locations = Locations::FromEnvironment();
  if (!locations.ok()) return Fail("receive", locations.status());
  const auto exit_code = Receiver(*context.guests, *locations, **channel).Run();
  // The sender has been told why, if it is still there.
  return exit_code.ok() ? *exit_code : kExitError;
}

}  // namespace

const Command& ReceiveCommand() {
  static const Command command = {
      "receive", "the far end of resume --on; started by it", kHelp, Receive};
  return command;
}

}  // namespace crvm
