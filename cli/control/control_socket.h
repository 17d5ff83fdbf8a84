// SPDX-License-Identifier: Apache-2.0
//
// The control socket's two ends: run/NAME/control. Paths may be longer than a
// sockaddr_un holds: both ends go through /proc/self/fd.

#ifndef CRVM_CLI_CONTROL_CONTROL_SOCKET_H_
#define CRVM_CLI_CONTROL_CONTROL_SOCKET_H_

#include <string>

#include "absl/status/statusor.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

// Listens in the VM's directory.
absl::StatusOr<UniqueFd> ListenControl(const std::string& directory);

// Unavailable when nobody listens (the VM is starting or ending).
absl::StatusOr<UniqueFd> ConnectControl(const std::string& directory);

// PermissionDenied unless the peer is this user, or root.
absl::Status CheckPeer(int fd);

}  // namespace crvm

#endif  // CRVM_CLI_CONTROL_CONTROL_SOCKET_H_
