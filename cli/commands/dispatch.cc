// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/commands/command.h"
#include "cli/commands/output.h"
#include "vmm/base/log.h"

namespace crvm {
namespace {

constexpr char kTop[] =
    R"(crvm runs an unmodified Linux program in a small virtual machine, saves it
whole while it runs, and continues it later, elsewhere, or many times over.

  crvm run ./app             run it; files, terminal and exit code are the host's
  crvm snapshot app          save it (from another terminal); it goes on running
  crvm resume app            continue from the newest snapshot
  crvm resume app --on HOST  continue on another host, over ssh

Verbs:
)";

constexpr char kBottom[] = R"(
`crvm VERB --help` explains one verb, with examples.

Names: a VM is called after its program unless --name says otherwise. NAME@N is
the N-th snapshot of NAME, NAME@TAG one that was given a tag, NAME alone the
newest. A name has up to 64 letters, digits, '.', '-' and '_'.

Exit codes: the program's own; 125 when crvm itself fails, 126 when the program
cannot be executed, 127 when it is not found, 128+n when signal n ended it.

Files: snapshots are in $CRVM_HOME, else $XDG_DATA_HOME/crvm, else
~/.local/share/crvm.

Messages: CRVM_LOG=info in the environment also tells, on stderr, what may
explain a program's trouble, such as system calls that crvm does not have; debug
tells more. The default is warning.
)";

int PrintTopHelp() {
  std::string text = kTop;
  for (const Command* command : AllCommands()) {
    absl::StrAppendFormat(&text, "  %-10s %s\n", command->name,
                          command->summary);
  }
  return PrintOut(text + kBottom);
}

const Command* Find(const std::string& name) {
  for (const Command* command : AllCommands()) {
    if (name == command->name) return command;
  }
  return nullptr;
}

int UnknownVerb(const std::string& name) {
  std::vector<std::string> names;
  for (const Command* command : AllCommands()) names.push_back(command->name);
  const std::string nearest = Nearest(name, names);
  const std::string hint = nearest.empty()
                               ? "`crvm --help` lists them"
                               : absl::StrCat("did you mean ", nearest, "?");
  PrintError(absl::StrCat("unknown verb ", name, "; ", hint));
  return kExitError;
}

// Whether the verb's own help is asked for, and not a program's.
bool WantsHelp(const Command& command, const std::vector<std::string>& args) {
  for (const std::string& arg : args) {
    if (arg == "--help" || arg == "-h") return true;
    if (arg == "--") return false;
    if (command.takes_program && (arg.empty() || arg[0] != '-')) return false;
  }
  return false;
}

absl::Status SetLogLevel() {
  const char* name = getenv("CRVM_LOG");
  if (name == nullptr || *name == '\0') return absl::OkStatus();
  const std::optional<LogLevel> level = LogLevelNamed(name);
  if (!level) {
    return absl::InvalidArgumentError(
        absl::StrCat("CRVM_LOG=", name, ": say debug, info, warning or error"));
  }
  SetMinLogLevel(*level);
  return absl::OkStatus();
}

}  // namespace

const std::vector<const Command*>& AllCommands() {
  static const auto* const commands = new std::vector<const Command*>{
      &RunCommand(),     &SnapshotCommand(), &ResumeCommand(), &PsCommand(),
      &ListCommand(),    &KillCommand(),     &RmCommand(),     &CheckCommand(),
      &ReceiveCommand(), &VersionCommand()};
  return *commands;
}

int UsageError(const Command& command, const absl::Status& status) {
  PrintError(absl::StrCat(command.name, ": ", status.message(), " (`crvm ",
                          command.name, " --help`)"));
  return kExitError;
}

int RunCrvm(CommandContext& context, const std::vector<std::string>& args) {
  if (absl::Status status = SetLogLevel(); !status.ok()) return Fail(status);
  if (args.empty()) {
    PrintTopHelp();
    return kExitError;
  }
  const std::string& verb = args[0];
  if (verb == "--help" || verb == "-h" || verb == "help") {
    if (verb != "help" || args.size() == 1) return PrintTopHelp();
    const Command* command = Find(args[1]);
    return command == nullptr ? UnknownVerb(args[1]) : PrintOut(command->help);
  }
  if (verb == "--version") return VersionCommand().run(context, {});
  const Command* command = Find(verb);
  if (command == nullptr) return UnknownVerb(verb);
  const std::vector<std::string> rest(args.begin() + 1, args.end());
  if (WantsHelp(*command, rest)) return PrintOut(command->help);
  return command->run(context, rest);
}

}  // namespace crvm
