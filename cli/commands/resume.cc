// SPDX-License-Identifier: Apache-2.0
//
// crvm resume

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/commands/command.h"
#include "cli/commands/resume_plan.h"
#include "cli/commands/resume_remote.h"
#include "snapshot/format/snapshot_reader.h"
#include "snapshot/store/locations.h"
#include "snapshot/store/names.h"
#include "snapshot/store/snapshot_store.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr char kHelp[] =
    R"(crvm resume [OPTION...] NAME[@TAG]

Continues a program from a snapshot (NAME: the newest), on this terminal. The
snapshot stays as it is: it can be resumed any number of times, also at the same
time under different names, and a resumed VM can be snapshotted again.

Options:
  --as NAME            call the VM NAME; needed while the original is running
  --on HOST            on another host, over ssh, with your own keys and
                       ~/.ssh/config. The program goes on there, at this
                       terminal, and its exit code comes back. Nothing changes
                       here
  --remote-crvm PATH   with --on: where crvm is on HOST, if not in PATH there
  --detach, -d         in the background; prints the VM's name
  --clock POLICY       what the time of day is for the program: now (default) or
                       as-saved, the time of the snapshot. Timers and elapsed
                       time go on from where they stopped, with either
  --files POLICY       files of the program that have changed since: keep
                       (default) the changed ones and say so, restore them from
                       the snapshot, or fail
  --privilege MODE     auto (default), supervisor or deprivileged

Examples:
  crvm resume fit
  crvm resume fit@3 --as fit-again
  crvm resume fit --on bigger-host
)";

struct ResumeOptions {
  SnapshotRef ref;
  std::string as;
  std::string on;
  std::string remote_crvm;
  bool detach = false;
  GuestRestoreOptions restore;
};

absl::StatusOr<ResumeOptions> ParseResume(
    const std::vector<std::string>& args) {
  ResumeOptions options;
  ArgParser parser;
  parser.Custom("as", 0, [&](absl::string_view value) {
    options.as = std::string(value);
    return CheckVmName(value);
  });
  parser.Value("on", 0, &options.on);
  parser.Value("remote-crvm", 0, &options.remote_crvm);
  parser.Flag("detach", 'd', &options.detach);
  parser.Choice("clock", kClockChoices, &options.restore.clock);
  parser.Choice("files", kFilesChoices, &options.restore.files);
  parser.Choice("privilege", kPrivilegeChoices, &options.restore.privilege);
  CRVM_ASSIGN_OR_RETURN(const auto operands, parser.Parse(args));
  if (operands.size() != 1) {
    return absl::InvalidArgumentError("give one NAME or NAME@TAG");
  }
  if (!options.remote_crvm.empty() && options.on.empty()) {
    return absl::InvalidArgumentError("--remote-crvm goes with --on HOST");
  }
  CRVM_ASSIGN_OR_RETURN(options.ref, ParseSnapshotRef(operands[0]));
  return options;
}

int ResumeHere(const ResumeOptions& options, const Locations& locations,
               const StoredSnapshot& snapshot, const SnapshotMetadata& metadata,
               GuestFactory& guests) {
  const absl::Status fits = CheckHostFor(metadata, guests);
  if (!fits.ok()) {
    return Fail(absl::StrCat("cannot resume ", snapshot.id(), " here"), fits);
  }
  VmPlan plan =
      PlanOfSnapshot(snapshot, metadata,
                     options.as.empty() ? snapshot.name : options.as, guests);
  plan.detach = options.detach;
  plan.make_guest = [&]() -> absl::StatusOr<std::unique_ptr<Guest>> {
    auto guest = RestoreGuest(snapshot, options.restore, guests, PrintWarning);
    if (guest.ok()) return guest;
    return absl::Status(guest.status().code(),
                        absl::StrCat("cannot resume ", snapshot.id(), ": ",
                                     guest.status().message()));
  };
  return RunVm(locations, plan);
}

int Resume(CommandContext& context, const std::vector<std::string>& args) {
  const auto options = ParseResume(args);
  if (!options.ok()) return UsageError(ResumeCommand(), options.status());
  const auto locations = Locations::FromEnvironment();
  if (!locations.ok()) return Fail(locations.status());
  const auto store = SnapshotStore::Open(locations->store);
  if (!store.ok()) return Fail(store.status());
  const auto snapshot = store->Find(options->ref);
  if (!snapshot.ok()) return Fail(snapshot.status());
  const auto header = ReadSnapshotHeader(snapshot->directory);
  if (!header.ok()) {
    return Fail(absl::StrCat("cannot resume ", snapshot->id()),
                header.status());
  }
  if (options->on.empty()) {
    return ResumeHere(*options, *locations, *snapshot, header->metadata,
                      *context.guests);
  }
  return ResumeRemote(
      {.host = options->on,
       .remote_crvm = options->remote_crvm,
       .name = options->as.empty() ? snapshot->name : options->as,
       .detach = options->detach,
       .restore = options->restore},
      *snapshot, *header);
}

}  // namespace

const Command& ResumeCommand() {
  static const Command command = {
      "resume", "continue from a snapshot, here or on another host", kHelp,
      Resume};
  return command;
}

}  // namespace crvm
