// SPDX-License-Identifier: Apache-2.0
//
// The verbs of crvm. Each has a file of its own with its help text and one
// function.

#ifndef CRVM_CLI_COMMANDS_COMMAND_H_
#define CRVM_CLI_COMMANDS_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/base/arg_parser.h"
#include "cli/session/guest_factory.h"

namespace crvm {

// What a verb works with.
struct CommandContext {
  GuestFactory* guests;
};

struct Command {
  const char* name;
  const char* summary;  // one line
  const char* help;     // the whole page
  // Returns the process's exit code, having printed any error.
  int (*run)(CommandContext& context, const std::vector<std::string>& args);
  // The first operand is a program, whose own options are not ours.
  bool takes_program = false;
};

const Command& RunCommand();
const Command& SnapshotCommand();
const Command& ResumeCommand();
const Command& ReceiveCommand();
const Command& PsCommand();
const Command& ListCommand();
const Command& KillCommand();
const Command& RmCommand();
const Command& CheckCommand();
const Command& VersionCommand();

// In the order of the help page.
const std::vector<const Command*>& AllCommands();

// All of crvm: finds the verb, handles --help and mistakes. `args` without
// argv[0].
int RunCrvm(CommandContext& context, const std::vector<std::string>& args);

// Prints "crvm: VERB: WHY" and where help is; returns 125.
int UsageError(const Command& command, const absl::Status& status);

}  // namespace crvm

#endif  // CRVM_CLI_COMMANDS_COMMAND_H_
