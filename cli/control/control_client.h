// SPDX-License-Identifier: Apache-2.0
//
// Asks a running VM something.

#ifndef CRVM_CLI_CONTROL_CONTROL_CLIENT_H_
#define CRVM_CLI_CONTROL_CONTROL_CLIENT_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/control/messages.h"
#include "snapshot/wire/frame.h"

namespace crvm {

using ProgressCallback = std::function<void(uint64_t done, uint64_t total)>;

// Sends `type` to the VM whose directory this is, and returns the answer;
// kError becomes a status that carries its exit code. `timeout_ms` bounds the
// time between two signs of life.
absl::StatusOr<Frame> AskVm(const std::string& directory, ControlMessage type,
                            absl::string_view payload, int timeout_ms,
                            const ProgressCallback& progress = nullptr);

// kInfo.
absl::StatusOr<VmInfo> AskInfo(const std::string& directory, int timeout_ms);

}  // namespace crvm

#endif  // CRVM_CLI_CONTROL_CONTROL_CLIENT_H_
