// SPDX-License-Identifier: Apache-2.0
//
// flock(2) as an object. A lock is the kernel's: it goes when its holder dies,
// whatever way, which a PID in a file does not.

#ifndef CRVM_SNAPSHOT_STORE_FILE_LOCK_H_
#define CRVM_SNAPSHOT_STORE_FILE_LOCK_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

class FileLock {
 public:
  // Creates the file if need be and waits for its exclusive lock.
  static absl::StatusOr<FileLock> Wait(const std::string& path);
  // Unavailable when somebody else has the lock; NotFound when there is no such
  // file.
  static absl::StatusOr<FileLock> TryExisting(const std::string& path);

  int fd() const { return fd_.get(); }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_STORE_FILE_LOCK_H_
