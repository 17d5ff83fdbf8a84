// SPDX-License-Identifier: Apache-2.0
//
// crvm run

#include <errno.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/base/program.h"
#include "cli/base/units.h"
#include "cli/commands/command.h"
#include "cli/commands/vm_runner.h"
#include "cli/session/terminal.h"
#include "snapshot/store/names.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

extern char** environ;

namespace crvm {
namespace {

constexpr char kHelp[] =
    R"(crvm run [OPTION...] [--] PROGRAM [ARG...]

Runs PROGRAM in a virtual machine of its own. It sees the host's files as you
do, and its arguments, environment, working directory, terminal, standard files,
signals and exit code are as if it ran directly. While it runs, `crvm snapshot`
can save it.

Options (before PROGRAM):
  --name NAME        call the VM NAME, for snapshot, kill and ps; default: after
                     the program. A snapshot of it is NAME@1, NAME@2, ...
  --detach, -d       run in the background; print the VM's name. Its output goes
                     to logs/NAME.log in the store (see `crvm --help`)
  --memory SIZE      at most so much memory, for example 512M or 16G; default:
                     4G, or what the host has. It takes no more than it uses
  --privilege MODE   auto (default), supervisor or deprivileged: how the guest
                     kernel runs; `crvm check` explains

Examples:
  crvm run ./app --its-own-options
  crvm run --name fit python3 fit.py
  crvm run -d --name job ./long-computation && crvm snapshot job
  sort data | crvm run ./filter > out
)";

struct RunOptions {
  std::string name;
  std::string privilege = "auto";
  uint64_t memory = 0;  // 0: default
  bool detach = false;
  std::vector<std::string> argv;
};

absl::StatusOr<RunOptions> ParseRun(const std::vector<std::string>& args) {
  RunOptions options;
  ArgParser parser;
  parser.StopAtFirstOperand();
  parser.Custom("name", 'n', [&](absl::string_view value) {
    options.name = std::string(value);
    return CheckVmName(value);
  });
  parser.Flag("detach", 'd', &options.detach);
  parser.Choice("privilege", {"auto", "supervisor", "deprivileged"},
                &options.privilege);
  parser.Custom("memory", 'm', [&](absl::string_view value) -> absl::Status {
    CRVM_ASSIGN_OR_RETURN(options.memory, ParseSize(value));
    if (options.memory == 0) {
      return absl::InvalidArgumentError("--memory=0: must be more");
    }
    return absl::OkStatus();
  });
  CRVM_ASSIGN_OR_RETURN(options.argv, parser.Parse(args));
  if (options.argv.empty()) {
    return absl::InvalidArgumentError("no program given");
  }
  return options;
}

absl::StatusOr<std::string> CurrentDirectory() {
  char path[4096];
  if (getcwd(path, sizeof(path)) == nullptr || path[0] != '/') {
    return absl::FailedPreconditionError(
        "the current directory is gone: cd to one that is there");
  }
  return std::string(path);
}

absl::StatusOr<GuestConfig> MakeConfig(const RunOptions& options,
                                       const GuestFactory& guests) {
  GuestConfig config;
  const char* path = getenv("PATH");
  CRVM_ASSIGN_OR_RETURN(
      config.executable,
      FindProgram(options.argv[0], path == nullptr ? "/usr/bin:/bin" : path));
  CRVM_ASSIGN_OR_RETURN(config.cwd, CurrentDirectory());
  config.argv = options.argv;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    config.env.emplace_back(*variable);
  }
  config.privilege = options.privilege;
  config.memory_bytes =
      options.memory == 0 ? guests.default_memory() : options.memory;
  if (config.memory_bytes < guests.min_memory()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--memory: ", FormatSize(config.memory_bytes),
                     " is too small: a VM needs at least ",
                     FormatSize(guests.min_memory())));
  }
  const WindowSize size = HostWindowSize();
  config.cols = size.cols;
  config.rows = size.rows;
  return config;
}

int Run(CommandContext& context, const std::vector<std::string>& args) {
  const auto options = ParseRun(args);
  if (!options.ok()) return UsageError(RunCommand(), options.status());
  GuestFactory& guests = *context.guests;
  auto config = MakeConfig(*options, guests);
  if (!config.ok()) return Fail(config.status());
  const auto locations = Locations::FromEnvironment();
  if (!locations.ok()) return Fail(locations.status());

  VmPlan plan;
  plan.name_may_vary = options->name.empty();
  plan.name =
      plan.name_may_vary ? NameAfterProgram(options->argv[0]) : options->name;
  plan.detach = options->detach;
  plan.metadata = HostMetadata(guests.abi_version());
  plan.metadata.argv = options->argv;
  config->hostname = plan.metadata.host;
  plan.make_guest = [&] { return guests.Create(*config); };
  return RunVm(*locations, plan);
}

}  // namespace

const Command& RunCommand() {
  static const Command command = {"run", "run a program in a virtual machine",
                                  kHelp, Run, /*takes_program=*/true};
  return command;
}

}  // namespace crvm
