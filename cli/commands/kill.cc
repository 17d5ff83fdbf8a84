// SPDX-License-Identifier: Apache-2.0
//
// crvm kill

#include <signal.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/base/units.h"
#include "cli/commands/ask_vm.h"
#include "cli/commands/command.h"
#include "cli/control/control_client.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr char kHelp[] =
    R"(crvm kill [--signal SIGNAL] NAME...
crvm kill [--signal SIGNAL] --all

Ends running VMs at once, or sends a signal to their programs. Snapshots are not
touched.

Options:
  --signal SIGNAL, -s   send SIGNAL (TERM, SIGINT, 10, ...) to the program
                        instead of ending the VM
  --all                 all running VMs

Examples:
  crvm kill job
  crvm kill --signal TERM job
)";

// How long a VM may take to end.
constexpr int kEndTimeoutMs = 10'000;
constexpr int kPollMs = 10;

// Waits until the VM's lock is free: then its name is, too.
bool AwaitEnd(const LiveVm& vm) {
  for (int waited = 0; waited < kEndTimeoutMs; waited += kPollMs) {
    const auto still = FindLiveVm(vm.name);
    if (!still.ok() || still->pid != vm.pid) return true;
    usleep(kPollMs * 1000);
  }
  return false;
}

absl::Status KillOne(const std::string& name, int signal) {
  CRVM_ASSIGN_OR_RETURN(const LiveVm vm, FindLiveVm(name));
  const absl::Status status =
      AskVm(vm.directory, ControlMessage::kKill,
            Encode(KillRequest{.signal = static_cast<uint32_t>(signal)}),
            kAskTimeoutMs)
          .status();
  if (signal != 0) return status;
  if (status.ok() && AwaitEnd(vm)) return absl::OkStatus();
  // It does not answer or does not end. Its PID is right: it still holds the
  // lock that it wrote it into.
  const auto still = FindLiveVm(name);
  if (!still.ok() || still->pid != vm.pid) return absl::OkStatus();
  kill(vm.pid, SIGKILL);
  if (AwaitEnd(vm)) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat(name, ": process ", vm.pid, " does not end"));
}

absl::StatusOr<std::vector<std::string>> AllNames() {
  CRVM_ASSIGN_OR_RETURN(const std::vector<LiveVm> vms, ListLiveVms());
  std::vector<std::string> names;
  for (const LiveVm& vm : vms) names.push_back(vm.name);
  return names;
}

int Kill(CommandContext&, const std::vector<std::string>& args) {
  int signal = 0;
  bool all = false;
  ArgParser parser;
  parser.Custom("signal", 's', [&](absl::string_view value) -> absl::Status {
    CRVM_ASSIGN_OR_RETURN(signal, ParseSignal(value));
    // As for a process: nothing in it can do anything about it.
    if (signal == SIGKILL) signal = 0;
    return absl::OkStatus();
  });
  parser.Flag("all", 'a', &all);
  auto names = parser.Parse(args);
  if (!names.ok()) return UsageError(KillCommand(), names.status());
  if (names->empty() != all) {
    return UsageError(KillCommand(), absl::InvalidArgumentError(
                                         "give NAMEs, or --all and no NAME"));
  }
  if (all) names = AllNames();
  if (!names.ok()) return Fail(names.status());
  int exit_code = kExitOk;
  for (const std::string& name : *names) {
    const absl::Status status = KillOne(name, signal);
    if (!status.ok()) exit_code = Fail("kill", status);
  }
  return exit_code;
}

}  // namespace

const Command& KillCommand() {
  static const Command command = {
      "kill", "end a running VM, or send its program a signal", kHelp, Kill};
  return command;
}

}  // namespace crvm
