// SPDX-License-Identifier: Apache-2.0
//
// FuseServer's operations on the tree: names that come, go and move.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/devices/fs/fuse_names.h"
#include "vmm/devices/fs/fuse_server.h"
#include "vmm/devices/fs/host_file.h"
#include "vmm/devices/fs/scoped_umask.h"

namespace crvm {
namespace {

constexpr uint32_t kPermissionBits = 07777;
constexpr uint32_t kRenameFlags = RENAME_NOREPLACE | RENAME_EXCHANGE;
// A guest with more BATCH_FORGETs than this sends several.
constexpr uint32_t kMaxForgets = 1 << 16;

}  // namespace

int FuseServer::Lookup(Call& call) {
  FileName name;
  int error = ReadName(call.in, &name);
  if (error < 0) return error;
  Node* dir = NodeOf(call);
  error = DirFd(dir);
  if (error < 0) return error;
  Node* node;
  struct statx st;
  error = nodes_.Lookup(dir, name.c_str(), &node, &st);
  return error < 0 ? error : AppendEntry(call, node, st);
}

int FuseServer::Forget(Call& call) {
  fuse_forget_in in;
  Node* node = NodeOf(call);
  if (node != nullptr && call.in.Read(&in)) nodes_.Forget(node, in.nlookup);
  return kNoReply;
}

int FuseServer::BatchForget(Call& call) {
  fuse_batch_forget_in in;
  if (!call.in.Read(&in)) return kNoReply;
  fuse_forget_one one;
  for (uint32_t i = 0; i < in.count && i < kMaxForgets; ++i) {
    if (!call.in.Read(&one)) break;
    Node* node = nodes_.Find(one.nodeid);
    if (node != nullptr) nodes_.Forget(node, one.nlookup);
  }
  return kNoReply;
}

int FuseServer::ReadLink(Call& call) {
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  if (node->type != S_IFLNK) return -EINVAL;
  int fd;
  const char* name;
  int error = nodes_.Locate(node, &fd, &name);
  if (error < 0) return error;
  char target[PATH_MAX];
  ssize_t length = RetryEintr([&] {
    return readlinkat(fd, name == nullptr ? "" : name, target, sizeof(target));
  });
  if (length < 0) return static_cast<int>(length);
  return call.out.Append(target, static_cast<size_t>(length)) ? 0 : -EIO;
}

int FuseServer::ReplyCreated(Call& call, Node* dir, absl::string_view name) {
  Node* node;
  struct statx st;
  // `name` comes from a FileName and so is terminated.
  int error = nodes_.Lookup(dir, name.data(), &node, &st);
  if (error < 0) return error;
  NoteCreated(dir, name);
  return AppendEntry(call, node, st);
}

int FuseServer::SymLink(Call& call) {
  FileName name;
  PathText target;
  int error = ReadName(call.in, &name);
  if (error == 0) error = call.in.ReadString(&target);
  if (error < 0) return error;
  Node* dir = NodeOf(call);
  int dir_fd = DirFd(dir);
  if (dir_fd < 0) return dir_fd;
  error = RetryEintr(
      [&] { return symlinkat(target.c_str(), dir_fd, name.c_str()); });
  return error < 0 ? error : ReplyCreated(call, dir, name.view());
}

int FuseServer::MkNod(Call& call) {
  fuse_mknod_in in;
  FileName name;
  if (!call.in.Read(&in)) return -EINVAL;
  int error = ReadName(call.in, &name);
  if (error < 0) return error;
  uint32_t type = in.mode & S_IFMT;
  if (type == 0) type = S_IFREG;
  // A device node would be the host's device.
  if (type == S_IFCHR || type == S_IFBLK) return -EPERM;
  if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK) return -EINVAL;
  Node* dir = NodeOf(call);
  int dir_fd = DirFd(dir);
  if (dir_fd < 0) return dir_fd;
  {
    ScopedUmask umask(umask_is_zero_);
    error = RetryEintr([&] {
      return mknodat(dir_fd, name.c_str(), type | (in.mode & kPermissionBits),
                     0);
    });
  }
  return error < 0 ? error : ReplyCreated(call, dir, name.view());
}

int FuseServer::MkDir(Call& call) {
  fuse_mkdir_in in;
  FileName name;
  if (!call.in.Read(&in)) return -EINVAL;
  int error = ReadName(call.in, &name);
  if (error < 0) return error;
  Node* dir = NodeOf(call);
  int dir_fd = DirFd(dir);
  if (dir_fd < 0) return dir_fd;
  {
    ScopedUmask umask(umask_is_zero_);
    error = RetryEintr([&] {
      return mkdirat(dir_fd, name.c_str(), in.mode & kPermissionBits);
    });
  }
  return error < 0 ? error : ReplyCreated(call, dir, name.view());
}

int FuseServer::Unlink(Call& call) { return RemoveAt(call, 0); }

int FuseServer::RmDir(Call& call) { return RemoveAt(call, AT_REMOVEDIR); }

int FuseServer::RemoveAt(Call& call, int at_flags) {
  FileName name;
  int error = ReadName(call.in, &name);
  if (error < 0) return error;
  Node* dir = NodeOf(call);
  int dir_fd = DirFd(dir);
  if (dir_fd < 0) return dir_fd;
  Node* victim = nodes_.PrepareRemoval(dir, name.c_str());
  error = RetryEintr([&] { return unlinkat(dir_fd, name.c_str(), at_flags); });
  if (error < 0) return error;
  NoteRemoved(dir, name.view());
  if (victim != nullptr) nodes_.Removed(victim, dir, name.view());
  return 0;
}

int FuseServer::Rename(Call& call) {
  fuse_rename_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  return RenameTo(call, in.newdir, 0);
}

int FuseServer::Rename2(Call& call) {
  fuse_rename2_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  if ((in.flags & ~kRenameFlags) != 0) return -EINVAL;
  return RenameTo(call, in.newdir, in.flags);
}

int FuseServer::RenameTo(Call& call, uint64_t new_dir_id, uint32_t flags) {
  FileName old_name, new_name;
  int error = ReadName(call.in, &old_name);
  if (error == 0) error = ReadName(call.in, &new_name);
  if (error < 0) return error;
  Node* old_dir = NodeOf(call);
  Node* new_dir = nodes_.Find(new_dir_id);
  int old_fd = DirFd(old_dir);
  if (old_fd < 0) return old_fd;
  int new_fd = DirFd(new_dir);
  if (new_fd < 0) return new_fd;

  Node* moving = nodes_.FindAt(old_dir, old_name.c_str());
  Node* replaced = nodes_.PrepareRemoval(new_dir, new_name.c_str());
  error = RetryEintr([&] {
    return renameat2(old_fd, old_name.c_str(), new_fd, new_name.c_str(), flags);
  });
  if (error < 0) return error;
  // Two names of one file: rename(2) has done nothing.
  if (moving != nullptr && moving == replaced) return 0;
  NodeHold hold_old_dir(&nodes_, old_dir), hold_new_dir(&nodes_, new_dir);
  NodeHold hold_moving(&nodes_, moving), hold_replaced(&nodes_, replaced);

  std::string old_path, new_path;
  bool old_carried = CarriedPath(old_dir, old_name.view(), &old_path);
  bool new_carried = CarriedPath(new_dir, new_name.view(), &new_path);
  if ((flags & RENAME_EXCHANGE) != 0) {
    if (old_carried && new_carried) guest_files_.Exchanged(old_path, new_path);
    if (replaced != nullptr) nodes_.Moved(replaced, old_dir, old_name.view());
    if (moving != nullptr) nodes_.Moved(moving, new_dir, new_name.view());
    return 0;
  }
  if (old_carried) {
    guest_files_.Renamed(old_path, new_carried ? new_path : "");
  } else if (new_carried && moving != nullptr && moving->type != S_IFDIR) {
    guest_files_.Created(new_path);
  }
  if (moving != nullptr) nodes_.Moved(moving, new_dir, new_name.view());
  if (replaced != nullptr) nodes_.Removed(replaced, new_dir, new_name.view());
  return 0;
}

int FuseServer::Link(Call& call) {
  fuse_link_in in;
  FileName name;
  if (!call.in.Read(&in)) return -EINVAL;
  int error = ReadName(call.in, &name);
  if (error < 0) return error;
  Node* dir = NodeOf(call);
  Node* old = nodes_.Find(in.oldnodeid);
  if (old == nullptr) return -ESTALE;
  int dir_fd = DirFd(dir);
  if (dir_fd < 0) return dir_fd;
  // By descriptor and not by name: somebody may have replaced the file.
  int fd = nodes_.Fd(old);
  if (fd < 0) return fd;
  error = RetryEintr([&] {
    return linkat(proc_fds_.get(), ProcName(fd).text, dir_fd, name.c_str(),
                  AT_SYMLINK_FOLLOW);
  });
  return error < 0 ? error : ReplyCreated(call, dir, name.view());
}

}  // namespace crvm
