// SPDX-License-Identifier: Apache-2.0
//
// A file system whose n-th call fails, as on a full disk. Thread-safe.

#ifndef CRVM_SNAPSHOT_TESTING_FAULTY_FILE_SYSTEM_H_
#define CRVM_SNAPSHOT_TESTING_FAULTY_FILE_SYSTEM_H_

#include <errno.h>

#include <atomic>
#include <string>

#include "snapshot/format/file_system.h"
#include "vmm/base/errno_status.h"

namespace crvm {

class FaultyFileSystem : public FileSystem {
 public:
  // Call number `fail_at`, from 0, fails; -1: none.
  explicit FaultyFileSystem(int fail_at, int error = ENOSPC)
      : fail_at_(fail_at), error_(error) {}

  int calls() const { return calls_; }

  absl::StatusOr<UniqueFd> CreateFile(const std::string& path) override {
    if (Fails()) return Error("create " + path);
    return FileSystem::CreateFile(path);
  }
  absl::Status Lock(int fd, const std::string& path) override {
    if (Fails()) return Error("lock " + path);
    return FileSystem::Lock(fd, path);
  }
  absl::Status WriteAt(int fd, const std::string& path, uint64_t offset,
                       absl::Span<const uint8_t> bytes) override {
    if (Fails()) return Error("write " + path);
    return FileSystem::WriteAt(fd, path, offset, bytes);
  }
  absl::Status Sync(int fd, const std::string& path) override {
    if (Fails()) return Error("fsync " + path);
    return FileSystem::Sync(fd, path);
  }
  absl::Status MakeDirectory(const std::string& path) override {
    if (Fails()) return Error("make directory " + path);
    return FileSystem::MakeDirectory(path);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (Fails()) return Error("rename " + from);
    return FileSystem::Rename(from, to);
  }

 private:
  bool Fails() { return calls_.fetch_add(1) == fail_at_; }
  absl::Status Error(const std::string& what) const {
    return ErrnoStatus(error_, what);
  }

  const int fail_at_;
  const int error_;
  std::atomic<int> calls_{0};
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_TESTING_FAULTY_FILE_SYSTEM_H_
