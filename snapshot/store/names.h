// SPDX-License-Identifier: Apache-2.0
//
// How people name snapshots: NAME (the newest), NAME@TAG, NAME@N (the N-th).
// Pure functions; any thread. The text is the user's or a peer's: whatever
// passes is safe as a file name.

#ifndef CRVM_SNAPSHOT_STORE_NAMES_H_
#define CRVM_SNAPSHOT_STORE_NAMES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace crvm {

struct SnapshotRef {
  std::string name;
  uint64_t number = 0;  // 0: not given
  std::string tag;      // empty: not given

  // NAME, NAME@N or NAME@TAG again.
  std::string ToString() const;
  bool operator==(const SnapshotRef&) const = default;
};

// InvalidArgument, with the rule, when `name` cannot name a VM.
absl::Status CheckVmName(absl::string_view name);

// The same for a tag, which is a name that is not all digits.
absl::Status CheckTag(absl::string_view tag);

absl::StatusOr<SnapshotRef> ParseSnapshotRef(absl::string_view text);

// A valid VM name made of what the program is called: "/usr/bin/foo bar" gives
// "foo-bar".
std::string NameAfterProgram(absl::string_view program);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_STORE_NAMES_H_
