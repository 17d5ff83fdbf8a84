// SPDX-License-Identifier: Apache-2.0
//
// How crvm fails: one line "crvm: what failed: why; what to do" on stderr and
// an exit code.

#ifndef CRVM_CLI_BASE_ERRORS_H_
#define CRVM_CLI_BASE_ERRORS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace crvm {

// "crvm: MESSAGE", as one line: control characters are escaped, so that names
// and paths cannot play with the terminal.
void PrintError(absl::string_view message);
void PrintWarning(absl::string_view message);

// Prints "crvm: WHAT: MESSAGE" and returns 125, or the exit code that the
// status carries.
int Fail(absl::string_view what, const absl::Status& status);
int Fail(const absl::Status& status);

// A status that carries an exit code other than 125.
absl::Status WithExitCode(absl::Status status, int exit_code);
int ExitCodeOf(const absl::Status& status);

// `text` with everything but printable ASCII and UTF-8 escaped.
std::string Printable(absl::string_view text);

}  // namespace crvm

#endif  // CRVM_CLI_BASE_ERRORS_H_
