// SPDX-License-Identifier: Apache-2.0
//
// The live VMs of this user on this host. Each has a directory run/NAME with
//   lock     held (flock) by its VMM for as long as that lives; has its PID
//   control  the unix socket of cli/control
// A directory whose lock nobody holds is stale and is cleared away.
//
// Any number of processes at once: run/.lock is held, briefly, while names are
// claimed and while directories are looked at. One registry object belongs to
// one thread. Everything is in a directory that only the user can write to.

#ifndef CRVM_SNAPSHOT_STORE_VM_REGISTRY_H_
#define CRVM_SNAPSHOT_STORE_VM_REGISTRY_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "snapshot/store/file_lock.h"

namespace crvm {

// A name that belongs to this process's VM until the claim is destroyed.
class VmClaim {
 public:
  VmClaim(const VmClaim&) = delete;
  VmClaim& operator=(const VmClaim&) = delete;
  ~VmClaim();

  const std::string& name() const { return name_; }
  const std::string& directory() const { return directory_; }

 private:
  friend class VmRegistry;
  VmClaim(std::string run, std::string name, FileLock lock);

  const std::string run_;
  const std::string name_;
  const std::string directory_;
  FileLock lock_;
};

struct LiveVm {
  std::string name;
  std::string directory;
  pid_t pid = 0;
};

class VmRegistry {
 public:
  static absl::StatusOr<VmRegistry> Open(const std::string& run);

  // AlreadyExists when a live VM has the name. Waits for one that was killed
  // and has not quite ended.
  absl::StatusOr<std::unique_ptr<VmClaim>> Claim(const std::string& name);
  // `base`, or else base-2, base-3, ...
  absl::StatusOr<std::unique_ptr<VmClaim>> ClaimLike(const std::string& base);

  // All live VMs by name; clears stale directories away.
  absl::StatusOr<std::vector<LiveVm>> List();
  // NotFound when no live VM has the name.
  absl::StatusOr<LiveVm> Find(const std::string& name);

 private:
  explicit VmRegistry(std::string run) : run_(std::move(run)) {}

  absl::StatusOr<FileLock> Lock() const;
  absl::StatusOr<std::unique_ptr<VmClaim>> ClaimLocked(const std::string& name);

  std::string run_;
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_STORE_VM_REGISTRY_H_
