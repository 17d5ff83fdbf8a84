// SPDX-License-Identifier: Apache-2.0
//
// The directory of all snapshots; layout in docs/snapshot_format.md.
//
// Any number of processes use one store at once: a lock in it is held while
// names are given out and temporaries are made or collected, never while data
// is written. One store object belongs to one thread. Contents of snapshots
// are untrusted; names have been checked before they become paths.

#ifndef CRVM_SNAPSHOT_STORE_SNAPSHOT_STORE_H_
#define CRVM_SNAPSHOT_STORE_SNAPSHOT_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "snapshot/format/header.h"
#include "snapshot/format/snapshot_writer.h"
#include "snapshot/store/file_lock.h"
#include "snapshot/store/names.h"

namespace crvm {

struct StoredSnapshot {
  std::string name;
  uint64_t number = 0;
  std::string tag;
  std::string directory;

  // NAME@N, which no other snapshot ever had or has.
  std::string id() const;
};

class SnapshotStore {
 public:
  // Makes the directory if need be.
  static absl::StatusOr<SnapshotStore> Open(const std::string& root);

  // Ordered by name, then number.
  absl::StatusOr<std::vector<StoredSnapshot>> List() const;

  // NotFound says what there is instead.
  absl::StatusOr<StoredSnapshot> Find(const SnapshotRef& ref) const;

  // Starts a snapshot of `name` with an optional tag (AlreadyExists when the
  // tag is taken). Nothing of it is visible before Publish.
  absl::StatusOr<std::unique_ptr<SnapshotWriter>> Begin(
      const std::string& name, const std::string& tag,
      SnapshotWriter::Options options);

  // Gives a finished snapshot its number and makes it visible.
  absl::StatusOr<StoredSnapshot> Publish(SnapshotWriter& writer,
                                         const std::string& name,
                                         const std::string& tag);

  // The same for snapshots that are not made by a SnapshotWriter: `create` is
  // called with the path of a temporary directory and makes it, with a locked
  // `header`; `publish` renames it to the path that it is given.
  using PathFunction = std::function<absl::Status(const std::string& path)>;
  absl::Status BeginWith(const std::string& name, const std::string& tag,
                         const PathFunction& create);
  absl::StatusOr<StoredSnapshot> PublishWith(const std::string& name,
                                             const std::string& tag,
                                             const PathFunction& publish);

  absl::Status Remove(const StoredSnapshot& snapshot);

  // Removes what writers that no longer live left behind. Returns how many.
  absl::StatusOr<int> CollectGarbage();

  const std::string& root() const { return root_; }

 private:
  explicit SnapshotStore(std::string root) : root_(std::move(root)) {}

  absl::StatusOr<FileLock> Lock() const;
  std::string NameDirectory(absl::string_view name) const;
  std::string TemporaryPath(absl::string_view name) const;
  absl::StatusOr<std::vector<StoredSnapshot>> ListName(
      const std::string& name) const;
  absl::Status CheckTagIsFree(const std::string& name,
                              const std::string& tag) const;
  absl::StatusOr<int> CollectGarbageLocked();

  std::string root_;  // .../snapshots
};

// Size of the snapshot's files on disk.
uint64_t SnapshotDiskSize(const StoredSnapshot& snapshot);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_STORE_SNAPSHOT_STORE_H_
