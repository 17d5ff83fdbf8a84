// SPDX-License-Identifier: Apache-2.0
//
// crvm version

#include "cli/base/version.h"

#include "absl/strings/str_cat.h"
#include "cli/commands/command.h"
#include "cli/commands/output.h"
#include "snapshot/format/limits.h"

namespace crvm {
namespace {

constexpr char kHelp[] = R"(crvm version

Prints the version of crvm, of the snapshot format that it writes, and of the
guest abi that it speaks. It reads all older snapshot formats.
)";

int Version(CommandContext& context, const std::vector<std::string>&) {
  return PrintOut(absl::StrCat("crvm ", kCrvmVersion, " (snapshot format ",
                               kSnapshotFormatVersion, ", guest abi ",
                               context.guests->abi_version(), ")\n"));
}

}  // namespace

const Command& VersionCommand() {
  static const Command command = {"version", "print versions", kHelp, Version};
  return command;
}

}  // namespace crvm
