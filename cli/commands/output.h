// SPDX-License-Identifier: Apache-2.0
//
// What verbs print on stdout.

#ifndef CRVM_CLI_COMMANDS_OUTPUT_H_
#define CRVM_CLI_COMMANDS_OUTPUT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace crvm {

// Writes all of it to stdout. Returns 0, or 125 with a message when stdout
// does not take it.
int PrintOut(absl::string_view text);

// Columns, each as wide as its widest cell but the last; cells are made
// printable.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

// A command line as a shell would take it, on one line of at most `width`.
std::string FormatArgv(const std::vector<std::string>& argv, size_t width);

}  // namespace crvm

#endif  // CRVM_CLI_COMMANDS_OUTPUT_H_
