// SPDX-License-Identifier: Apache-2.0
//
// See fs_state.h.

#include "vmm/devices/fs/fs_state.h"

#include <limits.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr uint32_t kVersion = 1;
constexpr size_t kMaxNodes = size_t{1} << 21;
constexpr size_t kMaxHandles = size_t{1} << 20;
constexpr size_t kMaxCreated = size_t{1} << 17;
constexpr size_t kMaxWarnings = 4096;
constexpr size_t kMaxWarning = 8192;
// Of a path; those that the guest makes by relative steps may be longer than
// PATH_MAX.
constexpr size_t kMaxPath = size_t{1} << 16;

void EncodeFacts(const FsFileFacts& facts, StateWriter& writer) {
  writer.U32(facts.mode);
  writer.U32(facts.uid);
  writer.U32(facts.gid);
  writer.U64(facts.size);
  writer.I64(facts.mtime);
  writer.U32(facts.mtime_nsec);
}

absl::StatusOr<FsFileFacts> DecodeFacts(StateReader& reader) {
  FsFileFacts facts;
  CRVM_ASSIGN_OR_RETURN(facts.mode, reader.U32());
  CRVM_ASSIGN_OR_RETURN(facts.uid, reader.U32());
  CRVM_ASSIGN_OR_RETURN(facts.gid, reader.U32());
  CRVM_ASSIGN_OR_RETURN(facts.size, reader.U64());
  CRVM_ASSIGN_OR_RETURN(facts.mtime, reader.I64());
  CRVM_ASSIGN_OR_RETURN(facts.mtime_nsec, reader.U32());
  if (facts.size > INT64_MAX || facts.mtime_nsec >= 1000000000) {
    return absl::InvalidArgumentError("fs state: impossible size or time");
  }
  return facts;
}

absl::StatusOr<FsNodeState> DecodeNode(StateReader& reader) {
  FsNodeState node;
  CRVM_ASSIGN_OR_RETURN(node.id, reader.U64());
  CRVM_ASSIGN_OR_RETURN(node.lookups, reader.U64());
  CRVM_ASSIGN_OR_RETURN(node.parent, reader.U64());
  CRVM_ASSIGN_OR_RETURN(node.name, reader.String(kMaxPath));
  CRVM_ASSIGN_OR_RETURN(node.open, reader.Bool());
  CRVM_ASSIGN_OR_RETURN(node.facts, DecodeFacts(reader));
  CRVM_ASSIGN_OR_RETURN(node.content, reader.U64());
  return node;
}

absl::StatusOr<FsHandleState> DecodeHandle(StateReader& reader) {
  FsHandleState handle;
  CRVM_ASSIGN_OR_RETURN(handle.id, reader.U64());
  CRVM_ASSIGN_OR_RETURN(handle.node, reader.U64());
  CRVM_ASSIGN_OR_RETURN(handle.flags, reader.U32());
  CRVM_ASSIGN_OR_RETURN(handle.directory, reader.Bool());
  return handle;
}

absl::StatusOr<FsCreatedState> DecodeCreated(StateReader& reader) {
  FsCreatedState file;
  CRVM_ASSIGN_OR_RETURN(file.path, reader.String(kMaxPath));
  CRVM_ASSIGN_OR_RETURN(file.facts, DecodeFacts(reader));
  CRVM_ASSIGN_OR_RETURN(file.link_target, reader.String(PATH_MAX));
  CRVM_ASSIGN_OR_RETURN(file.content, reader.U64());
  CRVM_ASSIGN_OR_RETURN(file.hard_link, reader.U32());
  return file;
}

}  // namespace

void Encode(const FsState& state, StateWriter& writer) {
  writer.U32(kVersion);
  writer.U32(state.node_generation);
  writer.U32(state.handle_generation);
  writer.U64(state.nodes.size());
  for (const FsNodeState& node : state.nodes) {
    writer.U64(node.id);
    writer.U64(node.lookups);
    writer.U64(node.parent);
    writer.String(node.name);
    writer.Bool(node.open);
    EncodeFacts(node.facts, writer);
    writer.U64(node.content);
  }
  writer.U64(state.handles.size());
  for (const FsHandleState& handle : state.handles) {
    writer.U64(handle.id);
    writer.U64(handle.node);
    writer.U32(handle.flags);
    writer.Bool(handle.directory);
  }
  writer.U64(state.created.size());
  for (const FsCreatedState& file : state.created) {
    writer.String(file.path);
    EncodeFacts(file.facts, writer);
    writer.String(file.link_target);
    writer.U64(file.content);
    writer.U32(file.hard_link);
  }
  writer.U64(state.warnings.size());
  for (const std::string& warning : state.warnings) writer.String(warning);
}

absl::StatusOr<FsState> DecodeFsState(StateReader& reader) {
  CRVM_ASSIGN_OR_RETURN(uint32_t version, reader.U32());
  if (version != kVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("fs state has version ", version,
                     "; this crvm reads version ", kVersion));
  }
  FsState state;
  CRVM_ASSIGN_OR_RETURN(state.node_generation, reader.U32());
  CRVM_ASSIGN_OR_RETURN(state.handle_generation, reader.U32());
  CRVM_ASSIGN_OR_RETURN(size_t nodes, reader.Count(kMaxNodes));
  for (size_t i = 0; i < nodes; ++i) {
    CRVM_ASSIGN_OR_RETURN(FsNodeState node, DecodeNode(reader));
    state.nodes.push_back(std::move(node));
  }
  CRVM_ASSIGN_OR_RETURN(size_t handles, reader.Count(kMaxHandles));
  for (size_t i = 0; i < handles; ++i) {
    CRVM_ASSIGN_OR_RETURN(FsHandleState handle, DecodeHandle(reader));
    state.handles.push_back(handle);
  }
  CRVM_ASSIGN_OR_RETURN(size_t created, reader.Count(kMaxCreated));
  for (size_t i = 0; i < created; ++i) {
    CRVM_ASSIGN_OR_RETURN(FsCreatedState file, DecodeCreated(reader));
    state.created.push_back(std::move(file));
  }
  CRVM_ASSIGN_OR_RETURN(size_t warnings, reader.Count(kMaxWarnings));
  for (size_t i = 0; i < warnings; ++i) {
    CRVM_ASSIGN_OR_RETURN(std::string warning, reader.String(kMaxWarning));
    state.warnings.push_back(std::move(warning));
  }
  return state;
}

void Encode(const FsChunk& chunk, StateWriter& writer) {
  writer.U64(chunk.content);
  writer.U64(chunk.offset);
  writer.Bytes(chunk.data);
}

}  // namespace crvm
