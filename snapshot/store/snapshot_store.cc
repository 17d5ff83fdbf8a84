// SPDX-License-Identifier: Apache-2.0

#include "snapshot/store/snapshot_store.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "snapshot/format/file_system.h"
#include "snapshot/format/limits.h"
#include "snapshot/store/locations.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr char kTemporaryPrefix[] = ".tmp-";

// The names in a directory but "." and "..", sorted; none when it is missing
// or something else.
absl::StatusOr<std::vector<std::string>> ListDirectory(
    const std::string& path) {
  std::vector<std::string> names;
  DIR* dir = opendir(path.c_str());
  if (dir == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return names;
    return ErrnoStatus(errno, absl::StrCat("list ", path));
  }
  while (const dirent* entry = readdir(dir)) {
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

// "7" or "7@tag", as snapshot directories are called.
bool ParseDirectoryName(absl::string_view text, StoredSnapshot& out) {
  const size_t at = text.find('@');
  if (!absl::SimpleAtoi(text.substr(0, at), &out.number) || out.number == 0) {
    return false;
  }
  if (at == absl::string_view::npos) return true;
  out.tag = std::string(text.substr(at + 1));
  return CheckTag(out.tag).ok();
}

absl::Status NoSuchSnapshot(const SnapshotRef& ref,
                            const std::vector<StoredSnapshot>& there) {
  if (there.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "no snapshot of '", ref.name, "': `crvm list` shows what there is"));
  }
  std::vector<std::string> names;
  for (const StoredSnapshot& snapshot : there) {
    names.push_back(snapshot.tag.empty() ? absl::StrCat("@", snapshot.number)
                                         : absl::StrCat("@", snapshot.tag));
  }
  constexpr size_t kShown = 8;
  if (names.size() > kShown) {
    names.erase(names.begin(), names.end() - kShown);
    names.insert(names.begin(), "...");
  }
  return absl::NotFoundError(absl::StrCat("no snapshot '", ref.ToString(),
                                          "': '", ref.name, "' has ",
                                          absl::StrJoin(names, ", ")));
}

}  // namespace

std::string StoredSnapshot::id() const {
  return absl::StrCat(name, "@", number);
}

absl::StatusOr<SnapshotStore> SnapshotStore::Open(const std::string& root) {
  CRVM_RETURN_IF_ERROR(MakePrivateDirectory(root));
  const std::string snapshots = root + "/snapshots";
  CRVM_RETURN_IF_ERROR(MakePrivateDirectory(snapshots));
  return SnapshotStore(snapshots);
}

absl::StatusOr<FileLock> SnapshotStore::Lock() const {
  return FileLock::Wait(root_ + "/.lock");
}

std::string SnapshotStore::NameDirectory(absl::string_view name) const {
  return absl::StrCat(root_, "/", name);
}

std::string SnapshotStore::TemporaryPath(absl::string_view name) const {
  static std::random_device random;
  return absl::StrFormat("%s/%s%d-%08x%08x", NameDirectory(name),
                         kTemporaryPrefix, getpid(), random(), random());
}

absl::StatusOr<std::vector<StoredSnapshot>> SnapshotStore::ListName(
    const std::string& name) const {
  CRVM_ASSIGN_OR_RETURN(const std::vector<std::string> entries,
                        ListDirectory(NameDirectory(name)));
  std::vector<StoredSnapshot> out;
  for (const std::string& entry : entries) {
    StoredSnapshot snapshot;
    if (!ParseDirectoryName(entry, snapshot)) continue;
    snapshot.name = name;
    snapshot.directory = absl::StrCat(NameDirectory(name), "/", entry);
    out.push_back(std::move(snapshot));
  }
  std::sort(out.begin(), out.end(),
            [](const StoredSnapshot& a, const StoredSnapshot& b) {
              return a.number < b.number;
            });
  return out;
}

absl::StatusOr<std::vector<StoredSnapshot>> SnapshotStore::List() const {
  CRVM_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                        ListDirectory(root_));
  std::vector<StoredSnapshot> out;
  for (const std::string& name : names) {
    if (!IsValidVmName(name)) continue;
    CRVM_ASSIGN_OR_RETURN(std::vector<StoredSnapshot> of_name, ListName(name));
    std::move(of_name.begin(), of_name.end(), std::back_inserter(out));
  }
  return out;
}

absl::StatusOr<StoredSnapshot> SnapshotStore::Find(
    const SnapshotRef& ref) const {
  CRVM_ASSIGN_OR_RETURN(const std::vector<StoredSnapshot> all,
                        ListName(ref.name));
  // From the newest.
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    const bool any = ref.number == 0 && ref.tag.empty();
    if (any || (ref.number != 0 && it->number == ref.number) ||
        (!ref.tag.empty() && it->tag == ref.tag)) {
      return *it;
    }
  }
  return NoSuchSnapshot(ref, all);
}

absl::Status SnapshotStore::CheckTagIsFree(const std::string& name,
                                           const std::string& tag) const {
  if (tag.empty()) return absl::OkStatus();
  CRVM_RETURN_IF_ERROR(CheckTag(tag));
  CRVM_ASSIGN_OR_RETURN(const std::vector<StoredSnapshot> all, ListName(name));
  for (const StoredSnapshot& snapshot : all) {
    if (snapshot.tag == tag) {
      return absl::AlreadyExistsError(absl::StrCat(
          "snapshot '", name, "@", tag, "' exists: use another tag, or ",
          "`crvm rm ", name, "@", tag, "` first"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SnapshotWriter>> SnapshotStore::Begin(
    const std::string& name, const std::string& tag,
    SnapshotWriter::Options options) {
  std::unique_ptr<SnapshotWriter> writer;
  CRVM_RETURN_IF_ERROR(
      BeginWith(name, tag, [&](const std::string& path) -> absl::Status {
        CRVM_ASSIGN_OR_RETURN(writer, SnapshotWriter::Create(path, options));
        return absl::OkStatus();
      }));
  return writer;
}

absl::StatusOr<StoredSnapshot> SnapshotStore::Publish(SnapshotWriter& writer,
                                                      const std::string& name,
                                                      const std::string& tag) {
  return PublishWith(
      name, tag, [&](const std::string& path) { return writer.Publish(path); });
}

absl::Status SnapshotStore::BeginWith(const std::string& name,
                                      const std::string& tag,
                                      const PathFunction& create) {
  CRVM_RETURN_IF_ERROR(CheckVmName(name));
  CRVM_ASSIGN_OR_RETURN(const FileLock lock, Lock());
  CRVM_RETURN_IF_ERROR(CheckTagIsFree(name, tag));
  // Space that a killed save still holds may be what this one needs.
  CRVM_RETURN_IF_ERROR(CollectGarbageLocked().status());
  CRVM_RETURN_IF_ERROR(MakePrivateDirectory(NameDirectory(name)));
  return create(TemporaryPath(name));
}

absl::StatusOr<StoredSnapshot> SnapshotStore::PublishWith(
    const std::string& name, const std::string& tag,
    const PathFunction& publish) {
  CRVM_ASSIGN_OR_RETURN(const FileLock lock, Lock());
  CRVM_RETURN_IF_ERROR(CheckTagIsFree(name, tag));
  CRVM_ASSIGN_OR_RETURN(const std::vector<StoredSnapshot> all, ListName(name));
  StoredSnapshot snapshot;
  snapshot.name = name;
  snapshot.number = all.empty() ? 1 : all.back().number + 1;
  snapshot.tag = tag;
  snapshot.directory = absl::StrCat(NameDirectory(name), "/", snapshot.number,
                                    tag.empty() ? "" : "@", tag);
  CRVM_RETURN_IF_ERROR(publish(snapshot.directory));
  // NAME's directory may itself be new.
  CRVM_RETURN_IF_ERROR(FileSystem::Host().SyncDirectory(root_));
  return snapshot;
}

absl::Status SnapshotStore::Remove(const StoredSnapshot& snapshot) {
  CRVM_ASSIGN_OR_RETURN(const FileLock lock, Lock());
  const std::string temporary = TemporaryPath(snapshot.name);
  // In one step it is gone; the space comes after that.
  CRVM_RETURN_IF_ERROR(
      FileSystem::Host().Rename(snapshot.directory, temporary));
  CRVM_RETURN_IF_ERROR(FileSystem::Host().RemoveSnapshot(temporary));
  // Fails, as it should, while the name has other snapshots.
  rmdir(NameDirectory(snapshot.name).c_str());
  return absl::OkStatus();
}

absl::StatusOr<int> SnapshotStore::CollectGarbage() {
  CRVM_ASSIGN_OR_RETURN(const FileLock lock, Lock());
  return CollectGarbageLocked();
}

absl::StatusOr<int> SnapshotStore::CollectGarbageLocked() {
  int collected = 0;
  CRVM_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                        ListDirectory(root_));
  for (const std::string& name : names) {
    if (!IsValidVmName(name)) continue;
    CRVM_ASSIGN_OR_RETURN(const std::vector<std::string> entries,
                          ListDirectory(NameDirectory(name)));
    for (const std::string& entry : entries) {
      if (!absl::StartsWith(entry, kTemporaryPrefix)) continue;
      const std::string path = absl::StrCat(NameDirectory(name), "/", entry);
      // A writer locks its header while it holds the store's lock, as we do
      // now: an unlocked or missing header means that the writer is dead.
      const auto header_lock =
          FileLock::TryExisting(absl::StrCat(path, "/", kHeaderFileName));
      if (!header_lock.ok() && !absl::IsNotFound(header_lock.status())) {
        continue;
      }
      if (FileSystem::Host().RemoveSnapshot(path).ok()) ++collected;
    }
    rmdir(NameDirectory(name).c_str());  // if there is nothing left in it
  }
  return collected;
}

uint64_t SnapshotDiskSize(const StoredSnapshot& snapshot) {
  uint64_t size = 0;
  for (const char* name : {kHeaderFileName, kStateFileName, kMemoryFileName}) {
    struct stat info;
    const std::string path = absl::StrCat(snapshot.directory, "/", name);
    if (stat(path.c_str(), &info) == 0) {
      size += static_cast<uint64_t>(info.st_blocks) * 512;
    }
  }
  return size;
}

}  // namespace crvm
