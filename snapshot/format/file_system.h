// SPDX-License-Identifier: Apache-2.0
//
// Every call with which a snapshot is written goes through this seam, so that
// tests can make the n-th one fail. Any thread: it has no state of its own.

#ifndef CRVM_SNAPSHOT_FORMAT_FILE_SYSTEM_H_
#define CRVM_SNAPSHOT_FORMAT_FILE_SYSTEM_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

class FileSystem {
 public:
  // The host's.
  static FileSystem& Host();

  virtual ~FileSystem() = default;

  // A new file, readable and writable by its owner only.
  virtual absl::StatusOr<UniqueFd> CreateFile(const std::string& path);
  // Takes the exclusive flock of `fd` without waiting.
  virtual absl::Status Lock(int fd, const std::string& path);
  // Writes all of `bytes`. `path` is for the error message.
  virtual absl::Status WriteAt(int fd, const std::string& path, uint64_t offset,
                               absl::Span<const uint8_t> bytes);
  virtual absl::Status Sync(int fd, const std::string& path);
  // A new directory, for its owner only.
  virtual absl::Status MakeDirectory(const std::string& path);
  virtual absl::Status SyncDirectory(const std::string& path);
  // Never replaces: AlreadyExists when `to` is there.
  virtual absl::Status Rename(const std::string& from, const std::string& to);
  // Removes a snapshot directory: its files, then itself. What is not there
  // is not an error.
  virtual absl::Status RemoveSnapshot(const std::string& path);
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_FILE_SYSTEM_H_
