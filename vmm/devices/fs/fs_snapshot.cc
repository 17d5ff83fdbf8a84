// SPDX-License-Identifier: Apache-2.0
//
// See fs_snapshot.h. Here: saving.

#include "vmm/devices/fs/fs_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"
#include "vmm/devices/fs/host_file.h"

namespace crvm {
namespace {

constexpr size_t kMaxWarnings = 100;

FsFileFacts FactsOf(const struct statx& st) {
  FsFileFacts facts;
  facts.mode = st.stx_mode;
  facts.uid = st.stx_uid;
  facts.gid = st.stx_gid;
  facts.size = st.stx_size;
  facts.mtime = st.stx_mtime.tv_sec;
  facts.mtime_nsec = st.stx_mtime.tv_nsec;
  return facts;
}

void Warn(FsState* state, std::string text) {
  if (state->warnings.size() < kMaxWarnings) {
    state->warnings.push_back(std::move(text));
  }
}

}  // namespace

uint64_t FsSnapshot::AddContent(Source source) {
  sources_.push_back(std::move(source));
  return sources_.size();
}

std::string FsSnapshot::ShownPath(absl::string_view path) const {
  const std::string& root = server_->options_.root;
  return absl::StrCat(absl::StripSuffix(root, "/"), "/", path);
}

std::string FsSnapshot::NameOf(const Node& node) const {
  std::string path;
  if (server_->nodes_.PathOf(&node, &path)) return ShownPath(path);
  return "(a removed file)";
}

const UniqueFd* FsSnapshot::AnyHandle(const Node& node) const {
  auto it = handle_of_.find(&node);
  return it == handle_of_.end() ? nullptr : it->second;
}

absl::StatusOr<FsState> FsSnapshot::SaveState() {
  sources_.clear();
  linked_.clear();
  handle_of_.clear();
  carried_bytes_ = 0;
  FsState state;
  NodeTable& nodes = server_->nodes_;
  state.node_generation = nodes.NextGeneration();
  state.handle_generation = server_->handles_.NextGeneration();

  server_->handles_.ForEach([&](uint64_t id, FuseServer::OpenFile& file) {
    state.handles.push_back({id, file.node->id, file.flags, file.directory});
    handle_of_.try_emplace(file.node, &file.fd);
  });
  // Parents before children.
  absl::flat_hash_set<const Node*> saved = {nodes.root()};
  nodes.ForEach([&](Node& node) {
    std::vector<Node*> chain;
    for (Node* n = &node; n != nullptr && !saved.contains(n); n = n->parent) {
      chain.push_back(n);
    }
    for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
      saved.insert(*it);
      SaveNode(**it, &state);
    }
    nodes.TrimFds();
  });
  for (const std::string& path : server_->guest_files_.paths()) {
    SaveCreated(path, &state);
  }
  if (server_->guest_files_.overflowed()) {
    Warn(&state,
         "the program has made too many temporary files; not all of "
         "them are in the snapshot");
  }
  return state;
}

void FsSnapshot::SaveNode(Node& node, FsState* state) {
  FsNodeState out;
  out.id = node.id;
  out.lookups = node.lookups;
  out.facts.mode = node.type;
  out.open = node.handles > 0;
  struct statx st = {};
  bool known = true;
  if (out.open) {
    // By the open file, whatever has become of its name.
    known = StatFd(AnyHandle(node)->get(), &st) == 0;
  } else if (node.parent == nullptr) {
    known = node.fd.valid() && StatFd(node.fd.get(), &st) == 0;
  }
  bool has_name = node.parent != nullptr;
  // Removed by somebody on the host.
  if (has_name && out.open && known && st.stx_nlink == 0) has_name = false;
  if (known && (out.open || !has_name)) out.facts = FactsOf(st);
  if (has_name) {
    out.parent = node.parent->id;
    out.name = node.name;
  } else {
    if (node.type == S_IFREG && known && st.stx_nlink > 0 && out.open) {
      Warn(state,
           "an open file was moved by another program; its contents "
           "travel with the snapshot, its names do not");
    }
    SaveUnlinkedNode(node, st, &out);
  }
  state->nodes.push_back(std::move(out));
}

void FsSnapshot::SaveUnlinkedNode(Node& node, const struct statx& st,
                                  FsNodeState* out) {
  // "/where/it/was/name (deleted)"
  int fd = node.fd.get();
  if (const UniqueFd* handle = AnyHandle(node)) fd = handle->get();
  if (fd >= 0) {
    char path[PATH_MAX];
    ssize_t length = RetryEintr([&] {
      return readlinkat(server_->proc_fds_.get(), FuseServer::ProcName(fd).text,
                        path, sizeof(path));
    });
    absl::string_view where(path, length > 0 ? static_cast<size_t>(length) : 0);
    std::string root = ShownPath("");
    size_t slash = where.rfind('/');
    if (absl::StartsWith(where, root) && slash != where.npos &&
        slash >= root.size()) {
      out->name = std::string(where.substr(root.size(), slash - root.size()));
    }
  }
  if (node.type == S_IFREG && out->open && st.stx_size > 0) {
    out->content = AddContent({node.id, ""});
  }
}

void FsSnapshot::SaveCreated(const std::string& path, FsState* state) {
  auto parent = OpenCarriedParent(path);
  if (!parent.ok()) return;  // gone
  int dir_fd = parent->first.get();
  const char* name = parent->second.c_str();
  struct statx st;
  if (StatAt(dir_fd, name, &st) < 0) return;
  FsCreatedState file;
  file.path = path;
  file.facts = FactsOf(st);
  if (S_ISLNK(st.stx_mode)) {
    char target[PATH_MAX];
    ssize_t length = RetryEintr(
        [&] { return readlinkat(dir_fd, name, target, sizeof(target)); });
    if (length <= 0) return;
    file.link_target.assign(target, static_cast<size_t>(length));
  } else if (S_ISREG(st.stx_mode)) {
    uint64_t bytes = std::min<uint64_t>(st.stx_size, st.stx_blocks * 512);
    auto [link, first] =
        linked_.try_emplace({IdentityOf(st).device, st.stx_ino},
                            static_cast<uint32_t>(state->created.size() + 1));
    if (!first) {
      file.hard_link = link->second;
    } else if (bytes > kMaxCarriedBytes - carried_bytes_) {
      linked_.erase(link);
      Warn(state, absl::StrCat(ShownPath(path), " (", st.stx_size,
                               " bytes) is too large to travel with the "
                               "snapshot"));
      return;
    } else if (st.stx_size > 0) {
      carried_bytes_ += bytes;
      file.content = AddContent({0, path});
    }
  }
  state->created.push_back(std::move(file));
}

absl::Status FsSnapshot::SaveContents(
    absl::FunctionRef<absl::Status(const FsChunk&)> store) {
  for (size_t i = 0; i < sources_.size(); ++i) {
    CRVM_RETURN_IF_ERROR(SaveContent(i + 1, sources_[i], store));
  }
  return absl::OkStatus();
}

absl::Status FsSnapshot::SaveContent(
    uint64_t id, const Source& source,
    absl::FunctionRef<absl::Status(const FsChunk&)> store) {
  std::string what;
  int fd;
  if (source.node != 0) {
    Node* node = server_->nodes_.Find(source.node);
    what = "the open, removed file of the program";
    const UniqueFd* handle = node != nullptr ? AnyHandle(*node) : nullptr;
    if (handle == nullptr) return absl::InternalError("fs: handle is gone");
    // It may have been opened only for writing.
    fd = OpenAt(server_->proc_fds_.get(),
                FuseServer::ProcName(handle->get()).text,
                O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  } else {
    what = ShownPath(source.path);
    auto parent = OpenCarriedParent(source.path);
    if (!parent.ok()) return parent.status();
    fd = OpenAt(parent->first.get(), parent->second.c_str(),
                O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, 0);
  }
  if (fd < 0) {
    return ErrnoStatus(-fd, absl::StrCat("cannot save the contents of ", what));
  }
  UniqueFd file(fd);
  std::vector<uint8_t> buffer(FsChunk::kMaxSize);
  for (off_t at = 0;;) {
    off_t data = lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return absl::OkStatus();  // only a hole
    if (data < 0) data = at;                                  // no holes here
    ssize_t got = RetryEintr(
        [&] { return pread(fd, buffer.data(), buffer.size(), data); });
    if (got < 0) {
      return ErrnoStatus(static_cast<int>(-got),
                         absl::StrCat("cannot save the contents of ", what));
    }
    if (got == 0) return absl::OkStatus();
    CRVM_RETURN_IF_ERROR(
        store({id, static_cast<uint64_t>(data),
               absl::MakeConstSpan(buffer.data(), static_cast<size_t>(got))}));
    at = data + got;
  }
}

}  // namespace crvm
