// SPDX-License-Identifier: Apache-2.0
//
// crvm's exit codes, which are docker's: the program's own passes through.

#ifndef CRVM_CLI_BASE_EXIT_CODES_H_
#define CRVM_CLI_BASE_EXIT_CODES_H_

#include <signal.h>

namespace crvm {

inline constexpr int kExitOk = 0;
// crvm itself failed, or was asked for something impossible.
inline constexpr int kExitError = 125;
// The program is there but cannot be executed.
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;
// The program was ended by signal n.
inline constexpr int kExitSignalBase = 128;
// The VM was ended by `crvm snapshot --stop`: the program has not finished.
inline constexpr int kExitStopped = kExitSignalBase + SIGSTOP;
inline constexpr int kExitKilled = kExitSignalBase + SIGKILL;

}  // namespace crvm

#endif  // CRVM_CLI_BASE_EXIT_CODES_H_
