// SPDX-License-Identifier: Apache-2.0

#include "snapshot/store/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "absl/strings/str_cat.h"
#include "vmm/base/errno_status.h"

namespace crvm {

absl::StatusOr<FileLock> FileLock::Wait(const std::string& path) {
  UniqueFd fd(
      open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("open ", path));
  while (flock(fd.get(), LOCK_EX) < 0) {
    if (errno != EINTR) return ErrnoStatus(errno, absl::StrCat("lock ", path));
  }
  return FileLock(std::move(fd));
}

absl::StatusOr<FileLock> FileLock::TryExisting(const std::string& path) {
  // Read-write: NFS gives exclusive locks only to those who may write.
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("open ", path));
  while (flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) {
      return absl::UnavailableError(absl::StrCat(path, " is locked"));
    }
    return ErrnoStatus(errno, absl::StrCat("lock ", path));
  }
  return FileLock(std::move(fd));
}

}  // namespace crvm
