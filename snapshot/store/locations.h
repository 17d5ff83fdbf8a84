// SPDX-License-Identifier: Apache-2.0
//
// Where snapshots and live VMs are. Trusts the user's environment.

#ifndef CRVM_SNAPSHOT_STORE_LOCATIONS_H_
#define CRVM_SNAPSHOT_STORE_LOCATIONS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace crvm {

struct Locations {
  // $CRVM_HOME, else $XDG_DATA_HOME/crvm, else $HOME/.local/share/crvm.
  std::string store;
  // Sockets and locks of live VMs: $XDG_RUNTIME_DIR/crvm, but store/run when
  // that is not set or CRVM_HOME is: one CRVM_HOME is one world.
  std::string run;
  // Output of VMs that run detached: store/logs. It stays when they end.
  std::string logs;

  // `get_env` is getenv() but for tests.
  static absl::StatusOr<Locations> FromEnvironment(
      const std::function<const char*(const char*)>& get_env);
  static absl::StatusOr<Locations> FromEnvironment();
};

// Makes `path` and its missing parents, mode 0700. PermissionDenied when what
// is there belongs to somebody else or others may write to it.
absl::Status MakePrivateDirectory(const std::string& path);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_STORE_LOCATIONS_H_
