// SPDX-License-Identifier: Apache-2.0
//
// Finds the program that `crvm run` shall run, as execvp(3) would, and says
// clearly why it cannot, with the shell's exit codes (126, 127).

#ifndef CRVM_CLI_BASE_PROGRAM_H_
#define CRVM_CLI_BASE_PROGRAM_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace crvm {

// The path to execute for `program`, looked for in `path` (as $PATH) unless it
// has a slash. The status carries exit code 126 or 127.
absl::StatusOr<std::string> FindProgram(const std::string& program,
                                        absl::string_view path);

}  // namespace crvm

#endif  // CRVM_CLI_BASE_PROGRAM_H_
