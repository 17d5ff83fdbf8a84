// SPDX-License-Identifier: Apache-2.0
//
// Finding the running VM that the user means.

#ifndef CRVM_CLI_COMMANDS_ASK_VM_H_
#define CRVM_CLI_COMMANDS_ASK_VM_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "snapshot/store/vm_registry.h"

namespace crvm {

// How long a VM may take to answer a small question.
inline constexpr int kAskTimeoutMs = 2000;

absl::StatusOr<std::vector<LiveVm>> ListLiveVms();
absl::StatusOr<LiveVm> FindLiveVm(const std::string& name);

}  // namespace crvm

#endif  // CRVM_CLI_COMMANDS_ASK_VM_H_
