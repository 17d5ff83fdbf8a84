// SPDX-License-Identifier: Apache-2.0
//
// FsSnapshot: restoring nodes and handles. fs_put_back.cc: the files that
// travel with the snapshot.

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"
#include "vmm/devices/fs/fs_snapshot.h"
#include "vmm/devices/fs/fuse_names.h"
#include "vmm/devices/fs/host_file.h"

namespace crvm {
namespace {

constexpr size_t kTrimEvery = 64;

absl::Status BadState(absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("the snapshot's file table is damaged: ", why));
}

bool IsKnownType(uint32_t type) {
  return type == S_IFREG || type == S_IFDIR || type == S_IFLNK ||
         type == S_IFIFO || type == S_IFSOCK || type == S_IFCHR ||
         type == S_IFBLK;
}

}  // namespace

absl::Status FsSnapshot::RestoreState(const FsState& state,
                                      ChangedFiles policy) {
  if (server_->nodes_.size() != 1 || server_->handles_.size() != 0) {
    return absl::FailedPreconditionError("the fs server is in use already");
  }
  policy_ = policy;
  report_ = FsRestoreReport();
  report_.warnings = state.warnings;
  for (const FsCreatedState& file : state.created) {
    CRVM_RETURN_IF_ERROR(PutBack(state, file));
  }
  size_t count = 0;
  for (const FsNodeState& node : state.nodes) {
    CRVM_RETURN_IF_ERROR(RestoreNode(node));
    if (++count % kTrimEvery == 0) server_->nodes_.TrimFds();
  }
  for (const FsHandleState& handle : state.handles) {
    CRVM_RETURN_IF_ERROR(RestoreHandle(handle));
    if (++count % kTrimEvery == 0) server_->nodes_.TrimFds();
  }
  server_->nodes_.FinishRestore(state.node_generation);
  server_->handles_.FinishRestore(state.handle_generation);
  if (policy_ == ChangedFiles::kFail && !report_.changed.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("files have changed since the snapshot: ",
                     absl::StrJoin(report_.changed, "; ")));
  }
  return absl::OkStatus();
}

absl::Status FsSnapshot::RestoreNode(const FsNodeState& in) {
  uint32_t type = in.facts.mode & S_IFMT;
  if (!IsKnownType(type)) return BadState("a node of an unknown type");
  if (in.id == NodeTable::kRootId) {
    server_->nodes_.root()->lookups = in.lookups;
    return absl::OkStatus();
  }
  Node* node = server_->nodes_.RestoreNode(in.id, type, in.lookups);
  if (node == nullptr) return BadState("an impossible node id");
  return in.parent == 0 ? RestoreUnlinked(in, node) : RestoreNamed(in, node);
}

absl::Status FsSnapshot::RestoreNamed(const FsNodeState& in, Node* node) {
  NodeTable& nodes = server_->nodes_;
  Node* parent = nodes.Find(in.parent);
  if (parent == nullptr || parent == node || parent->type != S_IFDIR) {
    return BadState("a node without its directory");
  }
  if (CheckName(in.name) < 0) return BadState("an impossible name");
  nodes.RestorePlace(node, parent, in.name);
  struct statx st;
  int dir_fd = nodes.Fd(parent);
  int error = dir_fd < 0 ? dir_fd : StatAt(dir_fd, in.name.c_str(), &st);
  bool same_type = error == 0 && (st.stx_mode & S_IFMT) == node->type;
  if (same_type) {
    nodes.RestoreIdentity(node, st);
    if (!in.open) return absl::OkStatus();
    return CheckUnchanged(in, NameOf(*node), st);
  }
  // What nobody has open, the guest will look up again.
  if (!in.open) return absl::OkStatus();
  if (error == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        NameOf(*node), ", which the program has open, is another kind of file ",
        "here; put the file back and resume again"));
  }
  return ErrnoStatus(
      -error, absl::StrCat("the program has ", NameOf(*node),
                           " open, which is not here; put it back and resume ",
                           "again"));
}

// The inode does not count: another host has other numbers.
absl::Status FsSnapshot::CheckUnchanged(const FsNodeState& in,
                                        const std::string& path,
                                        const struct statx& st) {
  if (!S_ISREG(st.stx_mode) || made_paths_.contains(path)) {
    return absl::OkStatus();
  }
  std::string how;
  if (st.stx_size != in.facts.size) {
    how = absl::StrCat("size was ", in.facts.size, ", is ", st.stx_size);
  } else if (st.stx_mtime.tv_sec != in.facts.mtime ||
             st.stx_mtime.tv_nsec != in.facts.mtime_nsec) {
    how = "modified since";
  } else {
    return absl::OkStatus();
  }
  if (policy_ == ChangedFiles::kRestore) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " has changed (", how,
                     ") and its old contents are not in the snapshot; resume "
                     "with --files=keep to go on with what is there"));
  }
  report_.changed.push_back(absl::StrCat(path, " (", how, ")"));
  return absl::OkStatus();
}

absl::Status FsSnapshot::RestoreUnlinked(const FsNodeState& in, Node* node) {
  absl::StatusOr<UniqueFd> made = MakeUnlinked(in);
  if (!made.ok()) {
    if (in.open) return made.status();
    return absl::OkStatus();  // stale: a removed file that nobody has open
  }
  UniqueFd fd = *std::move(made);
  struct statx st;
  int error = StatFd(fd.get(), &st);
  if (error < 0) return ErrnoStatus(-error, "stat a removed file");
  int pin = OpenAt(server_->proc_fds_.get(),
                   FuseServer::ProcName(fd.get()).text, O_PATH, 0);
  if (pin < 0) return ErrnoStatus(-pin, "open a removed file");
  server_->nodes_.RestoreIdentity(node, st);
  server_->nodes_.RestorePinned(node, UniqueFd(pin));
  if (node->type != S_IFREG) return absl::OkStatus();
  if (ftruncate(fd.get(), static_cast<off_t>(in.facts.size)) < 0) {
    return ErrnoStatus(errno, "make room for a removed file of the program");
  }
  if (in.content != 0) {
    Target target;
    target.fd.reset(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    target.size = in.facts.size;
    target.name = "a removed file of the program";
    if (!targets_.try_emplace(in.content, std::move(target)).second) {
      return BadState("two files with the same contents number");
    }
  }
  made_unlinked_.emplace_back(std::move(fd), in.facts);
  return absl::OkStatus();
}

// A file without a name, where the old one was if possible.
absl::StatusOr<UniqueFd> FsSnapshot::MakeUnlinked(const FsNodeState& in) {
  uint32_t type = in.facts.mode & S_IFMT;
  if (type == S_IFREG) {
    std::string dir = ShownPath(in.name);
    for (const char* where : {dir.c_str(), "/tmp"}) {
      int fd = OpenAt(AT_FDCWD, where, O_TMPFILE | O_RDWR | O_NOFOLLOW, 0600);
      if (fd >= 0) return UniqueFd(fd);
    }
    int fd = memfd_create("crvm-removed-file", MFD_CLOEXEC);
    if (fd < 0) return ErrnoStatus(errno, "make a removed file of the program");
    return UniqueFd(fd);
  }
  char dir[] = "/tmp/crvm-XXXXXX";
  if (mkdtemp(dir) == nullptr) return ErrnoStatus(errno, "mkdtemp in /tmp");
  std::string path = absl::StrCat(dir, "/x");
  int made = -1;
  if (type == S_IFDIR) {
    made = mkdir(path.c_str(), 0700);
  } else if (type == S_IFLNK) {
    made = symlink("(removed)", path.c_str());
  } else if (type == S_IFIFO || type == S_IFSOCK) {
    made = mknod(path.c_str(), type | 0600, 0);
  } else {
    errno = EPERM;
  }
  int error = made < 0 ? -errno : 0;
  int fd = -1;
  if (error == 0) {
    fd = OpenAt(AT_FDCWD, path.c_str(), O_PATH | O_NOFOLLOW, 0);
    if (fd < 0) error = fd;
    if (type == S_IFDIR) {
      rmdir(path.c_str());
    } else {
      unlink(path.c_str());
    }
  }
  rmdir(dir);
  if (error < 0) return ErrnoStatus(-error, "make a removed file in /tmp");
  return UniqueFd(fd);
}

absl::Status FsSnapshot::RestoreHandle(const FsHandleState& in) {
  Node* node = server_->nodes_.Find(in.node);
  if (node == nullptr) return BadState("an open file without its node");
  if (in.directory != (node->type == S_IFDIR) ||
      (!in.directory && node->type != S_IFREG)) {
    return BadState("an open file of the wrong kind");
  }
  int fd;
  if (in.directory) {
    int dir_fd = server_->nodes_.Fd(node);
    fd = dir_fd < 0 ? dir_fd : OpenAt(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
    // A removed directory cannot be opened, and has nothing in it.
    if (fd < 0 && node->parent == nullptr) {
      fd = OpenAt(dir_fd, "", O_PATH, 0);
      if (fd < 0) fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    }
  } else {
    fd = server_->OpenRegular(node, in.flags & ~uint32_t{O_TRUNC});
  }
  if (fd < 0) {
    return ErrnoStatus(
        -fd, absl::StrCat("open ", NameOf(*node), " again for the program"));
  }
  UniqueFd owned(fd);
  FuseServer::OpenFile* file = server_->handles_.InsertAt(in.id);
  if (file == nullptr) return BadState("an impossible file handle");
  file->node = node;
  file->fd = std::move(owned);
  file->flags = in.flags & ~uint32_t{O_TRUNC};
  file->directory = in.directory;
  file->position = in.directory ? -1 : 0;
  server_->nodes_.AddHandle(node);
  return absl::OkStatus();
}

absl::StatusOr<int> FsSnapshot::TargetFd(Target& target) {
  if (target.fd.valid()) return target.fd.get();
  CRVM_ASSIGN_OR_RETURN(auto parent, OpenCarriedParent(target.path));
  int fd = OpenAt(parent.first.get(), parent.second.c_str(),
                  O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
  if (fd < 0) {
    return ErrnoStatus(-fd, absl::StrCat("put back ", target.name));
  }
  target.fd.reset(fd);
  return fd;
}

absl::Status FsSnapshot::RestoreChunk(const FsChunk& chunk) {
  auto it = targets_.find(chunk.content);
  // Of a file that is still there.
  if (it == targets_.end()) return absl::OkStatus();
  Target& target = it->second;
  if (chunk.offset > target.size ||
      chunk.data.size() > target.size - chunk.offset) {
    return BadState("contents beyond the end of their file");
  }
  // Of files that have a path, only one is open at a time.
  if (open_target_ != chunk.content) {
    auto old = targets_.find(open_target_);
    if (old != targets_.end() && !old->second.path.empty()) {
      old->second.fd.reset();
    }
    open_target_ = chunk.content;
  }
  CRVM_ASSIGN_OR_RETURN(int fd, TargetFd(target));
  size_t done = 0;
  while (done < chunk.data.size()) {
    ssize_t n = RetryEintr([&] {
      return pwrite(fd, chunk.data.data() + done, chunk.data.size() - done,
                    static_cast<off_t>(chunk.offset + done));
    });
    if (n <= 0) {
      return ErrnoStatus(n < 0 ? static_cast<int>(-n) : EIO,
                         absl::StrCat("put back ", target.name));
    }
    done += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

}  // namespace crvm
