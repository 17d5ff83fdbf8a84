// SPDX-License-Identifier: Apache-2.0
//
// crvm: see cli/commands.

#include <string>
#include <vector>

#include "cli/base/standard_files.h"
#include "cli/commands/command.h"
#include "cli/session/machine_guest_factory.h"

int main(int argc, char** argv) {
  crvm::OpenStandardFiles();
  crvm::MachineGuestFactory guests;
  crvm::CommandContext context{&guests};
  return crvm::RunCrvm(
      context, std::vector<std::string>(argv + (argc > 0), argv + argc));
}
