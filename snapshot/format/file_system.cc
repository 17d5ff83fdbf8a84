// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/file_system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "snapshot/format/limits.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

template <typename Call>
auto RetryOnEintr(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace

FileSystem& FileSystem::Host() {
  static FileSystem* const host = new FileSystem;
  return *host;
}

absl::StatusOr<UniqueFd> FileSystem::CreateFile(const std::string& path) {
  UniqueFd fd(RetryOnEintr([&] {
    return open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  }));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("create ", path));
  return fd;
}

absl::Status FileSystem::Lock(int fd, const std::string& path) {
  if (RetryOnEintr([&] { return flock(fd, LOCK_EX | LOCK_NB); }) < 0) {
    return ErrnoStatus(errno, absl::StrCat("lock ", path));
  }
  return absl::OkStatus();
}

absl::Status FileSystem::WriteAt(int fd, const std::string& path,
                                 uint64_t offset,
                                 absl::Span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = RetryOnEintr([&] {
      return pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    if (n < 0) return ErrnoStatus(errno, absl::StrCat("write ", path));
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return absl::OkStatus();
}

absl::Status FileSystem::Sync(int fd, const std::string& path) {
  if (RetryOnEintr([&] { return fsync(fd); }) < 0) {
    return ErrnoStatus(errno, absl::StrCat("fsync ", path));
  }
  return absl::OkStatus();
}

absl::Status FileSystem::MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) < 0) {
    return ErrnoStatus(errno, absl::StrCat("make directory ", path));
  }
  return absl::OkStatus();
}

absl::Status FileSystem::SyncDirectory(const std::string& path) {
  UniqueFd fd(RetryOnEintr(
      [&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("open ", path));
  return Sync(fd.get(), path);
}

absl::Status FileSystem::Rename(const std::string& from,
                                const std::string& to) {
  int result = RetryOnEintr([&] {
    return renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                     RENAME_NOREPLACE);
  });
  if (result < 0 && (errno == EINVAL || errno == ENOSYS)) {
    // A file system without RENAME_NOREPLACE (NFS). A plain rename does not
    // replace a directory that has files in it, and a snapshot has.
    result = RetryOnEintr([&] { return rename(from.c_str(), to.c_str()); });
    if (result < 0 && errno == ENOTEMPTY) errno = EEXIST;
  }
  if (result < 0) {
    return ErrnoStatus(errno, absl::StrCat("rename ", from, " to ", to));
  }
  return absl::OkStatus();
}

absl::Status FileSystem::RemoveSnapshot(const std::string& path) {
  for (const char* name : {kMemoryFileName, kStateFileName, kHeaderFileName}) {
    const std::string file = absl::StrCat(path, "/", name);
    if (unlink(file.c_str()) < 0 && errno != ENOENT) {
      return ErrnoStatus(errno, absl::StrCat("remove ", file));
    }
  }
  if (rmdir(path.c_str()) < 0 && errno != ENOENT) {
    return ErrnoStatus(errno, absl::StrCat("remove ", path));
  }
  return absl::OkStatus();
}

}  // namespace crvm
