// SPDX-License-Identifier: Apache-2.0

#include "cli/commands/ask_vm.h"

#include "snapshot/store/locations.h"
#include "vmm/base/status_macros.h"

namespace crvm {

absl::StatusOr<std::vector<LiveVm>> ListLiveVms() {
  CRVM_ASSIGN_OR_RETURN(const Locations locations,
                        Locations::FromEnvironment());
  CRVM_ASSIGN_OR_RETURN(VmRegistry registry, VmRegistry::Open(locations.run));
  return registry.List();
}

absl::StatusOr<LiveVm> FindLiveVm(const std::string& name) {
  CRVM_ASSIGN_OR_RETURN(const Locations locations,
                        Locations::FromEnvironment());
  CRVM_ASSIGN_OR_RETURN(VmRegistry registry, VmRegistry::Open(locations.run));
  return registry.Find(name);
}

}  // namespace crvm
