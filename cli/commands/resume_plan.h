// SPDX-License-Identifier: Apache-2.0
//
// What `resume` and `receive` have in common: the checks before a snapshot is
// resumed on this host, and how a guest is made from it.

#ifndef CRVM_CLI_COMMANDS_RESUME_PLAN_H_
#define CRVM_CLI_COMMANDS_RESUME_PLAN_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/commands/vm_runner.h"
#include "cli/session/guest_factory.h"
#include "snapshot/format/header.h"
#include "snapshot/store/snapshot_store.h"

namespace crvm {

// Whether this host can run it: abi, CPU, KVM, memory. The message names what
// is missing.
absl::Status CheckHostFor(const SnapshotMetadata& metadata,
                          GuestFactory& guests);

// A guest from a snapshot in the store. Restoring shows a progress bar on
// stderr if that is a terminal; each warning goes to `warn`.
absl::StatusOr<std::unique_ptr<Guest>> RestoreGuest(
    const StoredSnapshot& snapshot, const GuestRestoreOptions& options,
    GuestFactory& guests, const std::function<void(const std::string&)>& warn);

// The plan to run it under `name`, but for make_guest and detach.
VmPlan PlanOfSnapshot(const StoredSnapshot& snapshot,
                      const SnapshotMetadata& metadata, std::string name,
                      GuestFactory& guests);

// Checks the values of --clock, --files and --privilege.
absl::Status CheckRestoreOptions(const GuestRestoreOptions& options);
inline const std::vector<std::string> kClockChoices = {"now", "as-saved"};
inline const std::vector<std::string> kFilesChoices = {"keep", "restore",
                                                       "fail"};
inline const std::vector<std::string> kPrivilegeChoices = {"auto", "supervisor",
                                                           "deprivileged"};

}  // namespace crvm

#endif  // CRVM_CLI_COMMANDS_RESUME_PLAN_H_
