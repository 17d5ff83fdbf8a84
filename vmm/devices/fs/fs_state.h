// SPDX-License-Identifier: Apache-2.0
//
// What a snapshot keeps of the fs server: which files the guest knows and has
// open, and which of them only the snapshot can bring back. Contents travel
// apart, in chunks, since they may be large. Any thread; decoded state is
// hostile and has only its form checked.

#ifndef CRVM_VMM_DEVICES_FS_FS_STATE_H_
#define CRVM_VMM_DEVICES_FS_FS_STATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "vmm/base/state_codec.h"

namespace crvm {

// Of a file that will have to be the same, or to be made again.
struct FsFileFacts {
  uint32_t mode = 0;  // with the type
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t size = 0;
  int64_t mtime = 0;
  uint32_t mtime_nsec = 0;
};

struct FsNodeState {
  uint64_t id = 0;
  uint64_t lookups = 0;
  // 0: the file has no name any more. Else a node earlier in the list, or the
  // root.
  uint64_t parent = 0;
  // Without a name: the path of the directory where it was, if known.
  std::string name;
  bool open = false;     // there are handles; then facts are valid
  FsFileFacts facts;     // else only the type
  uint64_t content = 0;  // of an open file without a name
};

struct FsHandleState {
  uint64_t id = 0;
  uint64_t node = 0;
  uint32_t flags = 0;
  bool directory = false;
};

// A file that the guest made where files travel with the snapshot. Parents come
// before what is in them.
struct FsCreatedState {
  std::string path;  // from the root, without a leading '/'
  FsFileFacts facts;
  std::string link_target;  // of symlinks
  uint64_t content = 0;     // of regular files with data
  // 1 + index of an earlier one that is the same file; 0: none.
  uint32_t hard_link = 0;
};

struct FsState {
  uint32_t node_generation = 0;
  uint32_t handle_generation = 0;
  std::vector<FsNodeState> nodes;
  std::vector<FsHandleState> handles;
  std::vector<FsCreatedState> created;
  // For the user: what does not travel, and why.
  std::vector<std::string> warnings;
};

void Encode(const FsState& state, StateWriter& writer);
absl::StatusOr<FsState> DecodeFsState(StateReader& reader);

// A piece of the contents number `content` (1 and up). Holes have no chunks.
struct FsChunk {
  static constexpr size_t kMaxSize = 256 << 10;
  uint64_t content = 0;
  uint64_t offset = 0;
  absl::Span<const uint8_t> data;
};

void Encode(const FsChunk& chunk, StateWriter& writer);

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_FS_STATE_H_
