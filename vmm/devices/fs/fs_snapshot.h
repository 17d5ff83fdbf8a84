// SPDX-License-Identifier: Apache-2.0
//
// FsSnapshot saves and restores a FuseServer, while the guest does not run.
// vCPU thread, or any one thread before the vCPU starts.
//
//   Save:     FsSnapshot fs(server);
//             CRVM_ASSIGN_OR_RETURN(FsState state, fs.SaveState());
//             CRVM_RETURN_IF_ERROR(fs.SaveContents([&](const FsChunk& chunk) {
//               ... store it ... }));
//   Restore:  (the server is new)
//             FsSnapshot fs(server);
//             CRVM_RETURN_IF_ERROR(fs.RestoreState(state, policy));
//             for each chunk, in any order:
//               CRVM_RETURN_IF_ERROR(fs.RestoreChunk(chunk));
//             CRVM_ASSIGN_OR_RETURN(FsRestoreReport report,
//                                   fs.FinishRestore());
//
// A restored state is hostile: it may name any file that the user may open
// anyway, as the guest could, but nothing is written except in the directories
// whose contents travel, and no symlink is followed there.

#ifndef CRVM_VMM_DEVICES_FS_FS_SNAPSHOT_H_
#define CRVM_VMM_DEVICES_FS_FS_SNAPSHOT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vmm/base/unique_fd.h"
#include "vmm/devices/fs/fs_state.h"
#include "vmm/devices/fs/fuse_server.h"

namespace crvm {

// What to do about open files that are no longer what they were: `--files=`.
enum class ChangedFiles {
  kKeep,     // go on with what is there, and say so
  kRestore,  // put the saved contents back; an error where there are none
  kFail,
};

struct FsRestoreReport {
  std::vector<std::string> changed;   // one line for each changed open file
  std::vector<std::string> put_back;  // paths
  std::vector<std::string> warnings;  // what did not travel or could not be put
                                      // back
};

class FsSnapshot {
 public:
  // Files that the guest has made travel up to this many bytes in all.
  static constexpr uint64_t kMaxCarriedBytes = uint64_t{1} << 30;

  explicit FsSnapshot(FuseServer* server) : server_(server) {}

  absl::StatusOr<FsState> SaveState();
  // After SaveState(), before the guest runs on.
  absl::Status SaveContents(
      absl::FunctionRef<absl::Status(const FsChunk&)> store);

  absl::Status RestoreState(const FsState& state, ChangedFiles policy);
  absl::Status RestoreChunk(const FsChunk& chunk);
  absl::StatusOr<FsRestoreReport> FinishRestore();

 private:
  // Where contents come from: a node, or a path from the root.
  struct Source {
    uint64_t node = 0;
    std::string path;
  };
  // Where they go to.
  struct Target {
    UniqueFd fd;
    uint64_t size = 0;
    std::string name;  // for messages
    std::string path;  // not empty: opened anew when needed
  };

  // fs_snapshot.cc: saving.
  void SaveNode(Node& node, FsState* state);
  void SaveUnlinkedNode(Node& node, const struct statx& st, FsNodeState* out);
  void SaveCreated(const std::string& path, FsState* state);
  absl::Status SaveContent(
      uint64_t id, const Source& source,
      absl::FunctionRef<absl::Status(const FsChunk&)> store);
  uint64_t AddContent(Source source);
  const UniqueFd* AnyHandle(const Node& node) const;

  // fs_restore.cc, fs_put_back.cc.
  absl::Status RestoreNode(const FsNodeState& in);
  absl::Status RestoreNamed(const FsNodeState& in, Node* node);
  absl::Status RestoreUnlinked(const FsNodeState& in, Node* node);
  absl::StatusOr<UniqueFd> MakeUnlinked(const FsNodeState& in);
  absl::Status RestoreHandle(const FsHandleState& in);
  absl::Status CheckUnchanged(const FsNodeState& in, const std::string& path,
                              const struct statx& st);
  absl::Status PutBack(const FsState& state, const FsCreatedState& file);
  absl::Status ReplaceExisting(const FsCreatedState& file,
                               const struct statx& st);
  int MakeCreated(const FsState& state, const FsCreatedState& file, int dir_fd,
                  const char* name);
  absl::StatusOr<std::pair<UniqueFd, std::string>> OpenCarriedParent(
      const std::string& path);
  absl::StatusOr<int> TargetFd(Target& target);
  void ApplyFacts(int dir_fd, const char* name, const FsFileFacts& facts);
  std::string ShownPath(absl::string_view path) const;
  std::string NameOf(const Node& node) const;

  FuseServer* server_;
  std::vector<Source> sources_;  // content id - 1
  absl::flat_hash_map<const Node*, const UniqueFd*> handle_of_;
  uint64_t carried_bytes_ = 0;
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, uint32_t> linked_;

  ChangedFiles policy_ = ChangedFiles::kKeep;
  FsRestoreReport report_;
  absl::flat_hash_map<uint64_t, Target> targets_;
  uint64_t open_target_ = 0;
  std::vector<FsCreatedState> made_;  // for their final attributes
  absl::flat_hash_set<std::string> made_paths_;
  std::vector<std::pair<UniqueFd, FsFileFacts>> made_unlinked_;
  absl::flat_hash_map<uint64_t, uint64_t> content_of_node_;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_FS_SNAPSHOT_H_
