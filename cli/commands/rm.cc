// SPDX-License-Identifier: Apache-2.0
//
// crvm rm

#include "absl/strings/str_cat.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/commands/command.h"
#include "snapshot/store/locations.h"
#include "snapshot/store/names.h"
#include "snapshot/store/snapshot_store.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr char kHelp[] =
    R"(crvm rm [--all] NAME[@TAG]...

Removes snapshots: NAME@N, NAME@TAG, or NAME if it has only one. VMs that were
resumed from a snapshot do not need it any more.

Options:
  --all     with NAME: all snapshots of NAME

Examples:
  crvm rm fit@3
  crvm rm --all old-experiment
)";

// The snapshots that one operand means.
absl::StatusOr<std::vector<StoredSnapshot>> Meant(SnapshotStore& store,
                                                  const std::string& operand,
                                                  bool all) {
  CRVM_ASSIGN_OR_RETURN(const SnapshotRef ref, ParseSnapshotRef(operand));
  CRVM_ASSIGN_OR_RETURN(const StoredSnapshot found, store.Find(ref));
  if (ref.number != 0 || !ref.tag.empty())
    return std::vector<StoredSnapshot>{found};
  CRVM_ASSIGN_OR_RETURN(const std::vector<StoredSnapshot> stored, store.List());
  std::vector<StoredSnapshot> of_name;
  for (const StoredSnapshot& snapshot : stored) {
    if (snapshot.name == ref.name) of_name.push_back(snapshot);
  }
  if (of_name.size() > 1 && !all) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ref.name, "' has ", of_name.size(),
                     " snapshots: say which (", found.id(), ", ...) or --all"));
  }
  return of_name;
}

int Rm(CommandContext&, const std::vector<std::string>& args) {
  bool all = false;
  ArgParser parser;
  parser.Flag("all", 'a', &all);
  const auto operands = parser.Parse(args);
  if (!operands.ok()) return UsageError(RmCommand(), operands.status());
  if (operands->empty()) {
    return UsageError(RmCommand(),
                      absl::InvalidArgumentError("no snapshot given"));
  }
  const auto locations = Locations::FromEnvironment();
  if (!locations.ok()) return Fail(locations.status());
  auto store = SnapshotStore::Open(locations->store);
  if (!store.ok()) return Fail(store.status());
  int exit_code = kExitOk;
  for (const std::string& operand : *operands) {
    const auto snapshots = Meant(*store, operand, all);
    absl::Status status = snapshots.status();
    for (size_t i = 0; status.ok() && i < snapshots->size(); ++i) {
      status = store->Remove((*snapshots)[i]);
    }
    if (!status.ok()) exit_code = Fail("rm", status);
  }
  return exit_code;
}

}  // namespace

const Command& RmCommand() {
  static const Command command = {"rm", "remove snapshots", kHelp, Rm};
  return command;
}

}  // namespace crvm
