// SPDX-License-Identifier: Apache-2.0
//
// crvm snapshot

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/base/progress_bar.h"
#include "cli/base/units.h"
#include "cli/commands/ask_vm.h"
#include "cli/commands/command.h"
#include "cli/commands/output.h"
#include "cli/control/control_client.h"
#include "snapshot/store/names.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr char kHelp[] =
    R"(crvm snapshot [--stop] NAME[@TAG]

Saves the running VM NAME: its processes, memory, open files, pipes, sockets and
terminal, at one instant. It goes on running. The snapshot is NAME@1, the next
one NAME@2, and so on; with @TAG it can also be called by that word. An existing
snapshot is never replaced. When saving fails (no space left, say) the VM goes
on and older snapshots stay as they were.

Options:
  --stop     end the VM when, and only when, the snapshot is safe on disk. The
             `crvm run` that it ran in then exits with 147

Examples:
  crvm snapshot fit
  crvm snapshot fit@before-cleanup
  crvm snapshot --stop fit && crvm resume fit --on bigger-host
)";

// A save that makes no progress for so long has hung. Long enough for the
// sync of many GiB to a slow disk.
constexpr int kTimeoutMs = 600'000;

absl::StatusOr<SnapshotReply> Ask(const SnapshotRef& ref, bool stop) {
  CRVM_ASSIGN_OR_RETURN(const LiveVm vm, FindLiveVm(ref.name));
  ProgressBar bar(absl::StrCat("saving ", ref.name), STDERR_FILENO);
  CRVM_ASSIGN_OR_RETURN(
      const Frame frame,
      AskVm(vm.directory, ControlMessage::kSnapshot,
            Encode(SnapshotRequest{.tag = ref.tag, .stop = stop}), kTimeoutMs,
            [&](uint64_t done, uint64_t total) { bar.Update(done, total); }));
  SnapshotReply reply;
  CRVM_RETURN_IF_ERROR(Decode(frame.payload, reply));
  return reply;
}

int Snapshot(CommandContext&, const std::vector<std::string>& args) {
  bool stop = false;
  ArgParser parser;
  parser.Flag("stop", 0, &stop);
  const auto operands = parser.Parse(args);
  if (!operands.ok()) return UsageError(SnapshotCommand(), operands.status());
  if (operands->size() != 1) {
    return UsageError(SnapshotCommand(),
                      absl::InvalidArgumentError("give one NAME or NAME@TAG"));
  }
  const auto ref = ParseSnapshotRef((*operands)[0]);
  if (!ref.ok()) return UsageError(SnapshotCommand(), ref.status());
  if (ref->number != 0) {
    return UsageError(
        SnapshotCommand(),
        absl::InvalidArgumentError(
            "snapshots number themselves: give NAME or NAME@WORD"));
  }
  const auto reply = Ask(*ref, stop);
  if (!reply.ok()) {
    return Fail(absl::StrCat("snapshot of ", ref->name), reply.status());
  }
  const std::string tagged =
      reply->tag.empty() ? "" : absl::StrCat(" (", ref->ToString(), ")");
  return PrintOut(absl::StrFormat(
      "%s%s: %s of memory, %s on disk, paused for %.1f ms\n", reply->id, tagged,
      FormatSize(reply->memory_used), FormatSize(reply->stored_bytes),
      static_cast<double>(reply->pause_us) / 1000));
}

}  // namespace

const Command& SnapshotCommand() {
  static const Command command = {"snapshot", "save a running VM", kHelp,
                                  Snapshot};
  return command;
}

}  // namespace crvm
