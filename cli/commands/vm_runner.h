// SPDX-License-Identifier: Apache-2.0
//
// What `run` and `resume` have in common: claim a name, make the guest, run it
// in the foreground on this process's terminal or detached in the background.

#ifndef CRVM_CLI_COMMANDS_VM_RUNNER_H_
#define CRVM_CLI_COMMANDS_VM_RUNNER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cli/session/console_end.h"
#include "cli/session/guest.h"
#include "snapshot/format/header.h"
#include "snapshot/store/locations.h"
#include "snapshot/store/vm_registry.h"

namespace crvm {

struct VmPlan {
  std::string name;
  // Take name-2, name-3, ... if `name` is in use: it was not the user's choice.
  bool name_may_vary = false;
  bool detach = false;
  // Of the snapshots that will be taken; `name` is filled in.
  SnapshotMetadata metadata;
  // Makes the guest, with the standard files that it will have in place.
  std::function<absl::StatusOr<std::unique_ptr<Guest>>()> make_guest;
};

// Runs it; the exit code for this process. Prints errors, and the name of a VM
// that runs detached.
int RunVm(const Locations& locations, const VmPlan& plan);

// Starts it detached, in a process of its own; the VM's name when it runs.
absl::StatusOr<std::string> StartDetached(const Locations& locations,
                                          const VmPlan& plan);

// Runs a guest that has been made, to its end; the exit code.
absl::StatusOr<int> RunSession(const Locations& locations, const VmPlan& plan,
                               const VmClaim& claim, Guest& guest,
                               ConsoleEnd& console);

// The parts of the metadata that are the same for every VM of this process.
SnapshotMetadata HostMetadata(uint32_t abi_version);

absl::StatusOr<std::unique_ptr<VmClaim>> ClaimName(const Locations& locations,
                                                   const VmPlan& plan);

}  // namespace crvm

#endif  // CRVM_CLI_COMMANDS_VM_RUNNER_H_
