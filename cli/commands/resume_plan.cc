// SPDX-License-Identifier: Apache-2.0

#include "cli/commands/resume_plan.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/base/progress_bar.h"
#include "cli/base/units.h"
#include "snapshot/format/cpu_requirements.h"
#include "snapshot/format/snapshot_reader.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// MemAvailable of /proc/meminfo; 0 if it cannot be told.
uint64_t AvailableMemory() {
  FILE* file = fopen("/proc/meminfo", "re");
  if (file == nullptr) return 0;
  char line[256];
  unsigned long long kib = 0;
  while (fgets(line, sizeof(line), file) != nullptr &&
         sscanf(line, "MemAvailable: %llu kB", &kib) != 1) {
  }
  fclose(file);
  return kib * 1024;
}

absl::Status CheckChoice(const char* option, const std::string& value,
                         const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("--", option, "=", value,
                                                 ": must be one of ",
                                                 absl::StrJoin(choices, ", ")));
}

}  // namespace

absl::Status CheckRestoreOptions(const GuestRestoreOptions& options) {
  CRVM_RETURN_IF_ERROR(CheckChoice("clock", options.clock, kClockChoices));
  CRVM_RETURN_IF_ERROR(CheckChoice("files", options.files, kFilesChoices));
  return CheckChoice("privilege", options.privilege, kPrivilegeChoices);
}

absl::Status CheckHostFor(const SnapshotMetadata& metadata,
                          GuestFactory& guests) {
  if (metadata.abi_version > guests.abi_version()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the snapshot's guest kernel speaks abi version ",
                     metadata.abi_version, "; this crvm speaks 1 to ",
                     guests.abi_version(), ": use a newer crvm"));
  }
  const std::vector<std::string> missing =
      MissingCpuFeatures(metadata.cpu, HostCpuid);
  if (!missing.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the CPU lacks what the program may be using: ",
                     absl::StrJoin(missing, ", ")));
  }
  CRVM_RETURN_IF_ERROR(guests.CheckAccess());
  const uint64_t available = AvailableMemory();
  if (available != 0 && metadata.memory_used > available) {
    return absl::ResourceExhaustedError(
        absl::StrCat("not enough memory: the snapshot has ",
                     FormatSize(metadata.memory_used), " in use, ",
                     FormatSize(available), " are available"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Guest>> RestoreGuest(
    const StoredSnapshot& snapshot, const GuestRestoreOptions& options,
    GuestFactory& guests, const std::function<void(const std::string&)>& warn) {
  ProgressBar bar(absl::StrCat("restoring ", snapshot.id()), STDERR_FILENO);
  SnapshotReader::Options reader_options;
  reader_options.progress = [&](uint64_t done, uint64_t total) {
    bar.Update(done, total);
  };
  CRVM_ASSIGN_OR_RETURN(
      auto reader, SnapshotReader::Open(snapshot.directory, reader_options));
  std::vector<std::string> warnings;
  CRVM_ASSIGN_OR_RETURN(std::unique_ptr<Guest> guest,
                        guests.Restore(*reader, options, &warnings));
  for (const std::string& warning : warnings) warn(warning);
  return guest;
}

VmPlan PlanOfSnapshot(const StoredSnapshot& snapshot,
                      const SnapshotMetadata& metadata, std::string name,
                      GuestFactory& guests) {
  VmPlan plan;
  plan.name = std::move(name);
  plan.metadata = HostMetadata(guests.abi_version());
  plan.metadata.argv = metadata.argv;
  // Its kernel goes on being the one that it has.
  plan.metadata.abi_version = metadata.abi_version;
  plan.metadata.parent = snapshot.id();
  return plan;
}

}  // namespace crvm
