// SPDX-License-Identifier: Apache-2.0
//
// FuseServer's operations that make and end file handles, and kFuseExtWalk.

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "vmm/devices/fs/fuse_names.h"
#include "vmm/devices/fs/fuse_server.h"
#include "vmm/devices/fs/host_file.h"
#include "vmm/devices/fs/scoped_umask.h"

namespace crvm {
namespace {

// What a guest's open flags may mean on the host. The rest is the guest
// kernel's own matter (O_NONBLOCK, O_CLOEXEC, O_DIRECT, ...).
constexpr uint32_t kHostOpenFlags =
    O_ACCMODE | O_APPEND | O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME;
// Should somebody swap a FIFO or a terminal in between lookup and open.
constexpr int kSafeOpenFlags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

int HostFlags(uint32_t flags) {
  return static_cast<int>(flags & kHostOpenFlags) | kSafeOpenFlags;
}

constexpr uint32_t kMaxMetaSize = 64 << 10;

}  // namespace

int FuseServer::OpenRegular(Node* node, uint32_t flags) {
  if ((flags & O_ACCMODE) == O_ACCMODE) return -EINVAL;
  if (node->type == S_IFDIR) return -EISDIR;
  if (node->type == S_IFLNK) return -ELOOP;
  if (node->type != S_IFREG) return -ENXIO;
  int at;
  const char* name;
  int error = nodes_.Locate(node, &at, &name);
  if (error < 0) return error;
  if (name == nullptr) {
    // The link in /proc must be followed; it leads to a regular file.
    return OpenAt(proc_fds_.get(), ProcName(at).text,
                  HostFlags(flags) & ~O_NOFOLLOW, 0);
  }
  int fd = OpenAt(at, name, HostFlags(flags), 0);
  if (fd < 0) return fd == -ELOOP ? -ESTALE : Outdated(fd);  // now a symlink
  UniqueFd owned(fd);
  struct statx st;
  error = StatFd(fd, &st);
  if (error < 0) return error;
  return nodes_.IsSameFile(*node, st) ? owned.release() : -ESTALE;
}

int FuseServer::MakeHandle(Node* node, UniqueFd fd, uint32_t flags,
                           bool directory, uint64_t* fh) {
  OpenFile* file = handles_.Insert(fh);
  if (file == nullptr) return -ENFILE;
  file->node = node;
  file->fd = std::move(fd);
  file->flags = flags & kHostOpenFlags & ~uint32_t{O_TRUNC};
  file->directory = directory;
  nodes_.AddHandle(node);
  return 0;
}

int FuseServer::Open(Call& call) {
  fuse_open_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  int fd = OpenRegular(node, in.flags);
  if (fd < 0) return fd;
  fuse_open_out out = {};
  int error = MakeHandle(node, UniqueFd(fd), in.flags, false, &out.fh);
  if (error < 0) return error;
  return call.out.Append(out) ? 0 : -EIO;
}

// Opens the regular file (dir, name), making it if it is not there.
int FuseServer::CreateAt(Node* dir, const FileName& name, uint32_t flags,
                         uint32_t mode, UniqueFd* fd) {
  if ((flags & O_ACCMODE) == O_ACCMODE) return -EINVAL;
  int dir_fd = DirFd(dir);
  if (dir_fd < 0) return dir_fd;
  int made;
  {
    // O_EXCL first: what exists may be something that must not be opened.
    ScopedUmask umask(umask_is_zero_);
    made = OpenAt(dir_fd, name.c_str(), HostFlags(flags) | O_CREAT | O_EXCL,
                  mode & 07777);
  }
  if (made >= 0) {
    fd->reset(made);
    NoteCreated(dir, name.view());
    return 0;
  }
  if (made != -EEXIST || (flags & O_EXCL) != 0) return made;
  struct statx st;
  int error = StatAt(dir_fd, name.c_str(), &st);
  if (error < 0) return error;
  if (S_ISDIR(st.stx_mode)) return -EISDIR;
  if (S_ISLNK(st.stx_mode)) return -ELOOP;
  if (!S_ISREG(st.stx_mode)) return -ENXIO;
  made = OpenAt(dir_fd, name.c_str(), HostFlags(flags), 0);
  if (made < 0) return made;
  fd->reset(made);
  return 0;
}

int FuseServer::CreateFile(Call& call) {
  fuse_create_in in;
  FileName name;
  if (!call.in.Read(&in)) return -EINVAL;
  int error = ReadName(call.in, &name);
  if (error < 0) return error;
  Node* dir = NodeOf(call);
  UniqueFd fd;
  error = CreateAt(dir, name, in.flags, in.mode, &fd);
  if (error < 0) return error;
  struct statx st;
  error = StatFd(fd.get(), &st);
  if (error < 0) return error;
  if (!S_ISREG(st.stx_mode)) return -ENXIO;
  Node* node;
  error = nodes_.Intern(dir, name.view(), st, &node);
  if (error < 0) return error;
  fuse_open_out out = {};
  error = MakeHandle(node, std::move(fd), in.flags, false, &out.fh);
  if (error < 0) {
    nodes_.Forget(node, 1);
    return error;
  }
  if (!call.out.Append(EntryOf(*node, st))) return -EIO;
  return call.out.Append(out) ? 0 : -EIO;
}

int FuseServer::TmpFile(Call& call) {
  fuse_create_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int dir_fd = DirFd(NodeOf(call));
  if (dir_fd < 0) return dir_fd;
  int made;
  {
    ScopedUmask umask(umask_is_zero_);
    int flags = HostFlags(in.flags) & ~(O_TRUNC | O_NOFOLLOW);
    made = OpenAt(dir_fd, ".",
                  flags | O_TMPFILE | static_cast<int>(in.flags & O_EXCL),
                  in.mode & 07777);
  }
  if (made < 0) return made;
  UniqueFd fd(made);
  struct statx st;
  int error = StatFd(made, &st);
  if (error < 0) return error;
  int pin = OpenAt(proc_fds_.get(), ProcName(made).text, O_PATH, 0);
  if (pin < 0) return pin;
  Node* node;
  error = nodes_.InternUnlinked(UniqueFd(pin), st, &node);
  if (error < 0) return error;
  fuse_open_out out = {};
  error = MakeHandle(node, std::move(fd), in.flags, false, &out.fh);
  if (error < 0) {
    nodes_.Forget(node, 1);
    return error;
  }
  if (!call.out.Append(EntryOf(*node, st))) return -EIO;
  return call.out.Append(out) ? 0 : -EIO;
}

int FuseServer::Release(Call& call) {
  fuse_release_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int error;
  bool directory = call.header.opcode == FUSE_RELEASEDIR;
  OpenFile* file = HandleOf(call, in.fh, directory, &error);
  if (file == nullptr) return error;
  Node* node = file->node;
  handles_.Erase(in.fh);
  nodes_.DropHandle(node);
  return 0;
}

int FuseServer::Drop(Call& call) {
  abi::FuseExtDropIn in;
  if (!call.in.Read(&in)) return kNoReply;
  abi::FuseExtRelease release;
  for (uint32_t i = 0; i < in.release_count; ++i) {
    if (!call.in.Read(&release)) return kNoReply;
    OpenFile* file = handles_.Find(release.fh);
    if (file == nullptr || file->node->id != release.nodeid) continue;
    Node* node = file->node;
    handles_.Erase(release.fh);
    nodes_.DropHandle(node);
  }
  fuse_forget_one forget;
  for (uint32_t i = 0; i < in.forget_count; ++i) {
    if (!call.in.Read(&forget)) return kNoReply;
    Node* node = nodes_.Find(forget.nodeid);
    if (node != nullptr) nodes_.Forget(node, forget.nlookup);
  }
  return kNoReply;
}

int FuseServer::AppendData(Call& call, int fd, uint32_t meta_size,
                           uint32_t data_size, uint32_t* data_len) {
  *data_len = 0;
  IovecList list;
  call.out.Map(meta_size, std::min(data_size, abi::kFuseExtMaxOpenData), &list);
  if (list.count == 0) return 0;
  ssize_t got =
      RetryEintr([&] { return preadv(fd, list.items, list.count, 0); });
  if (got < 0) return static_cast<int>(got);
  *data_len = static_cast<uint32_t>(got);
  if (got > 0) call.out.set_end(meta_size + *data_len);
  return 0;
}

int FuseServer::OpenWithData(Call& call) {
  abi::FuseExtOpenIn in;
  if (!call.in.Read(&in)) return -EINVAL;
  constexpr size_t kMeta =
      sizeof(fuse_out_header) + sizeof(abi::FuseExtOpenOut);
  if (in.meta_size < kMeta || in.meta_size > kMaxMetaSize) return -EINVAL;
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  int fd = OpenRegular(node, in.open_flags);
  if (fd < 0) return fd;
  UniqueFd owned(fd);
  struct statx st;
  int error = StatFd(fd, &st);
  if (error < 0) return error;
  abi::FuseExtOpenOut out = {};
  out.attr = AttrOf(st);
  call.out.set_end(kMeta);
  if ((in.open_flags & O_ACCMODE) != O_WRONLY) {
    error = AppendData(call, fd, in.meta_size, in.data_size, &out.data_len);
    if (error < 0) return error;
  }
  error = MakeHandle(node, std::move(owned), in.open_flags, false, &out.fh);
  if (error < 0) return error;
  return call.out.Put(sizeof(fuse_out_header), &out, sizeof(out)) ? 0 : -EIO;
}

int FuseServer::Walk(Call& call) {
  abi::FuseExtWalkIn in;
  if (!call.in.Read(&in)) return -EINVAL;
  if ((in.flags & ~uint32_t{abi::kFuseExtWalkOpen}) != 0) return -EINVAL;
  if (in.path_len == 0 || in.path_len > abi::kFuseExtMaxPath) return -EINVAL;
  constexpr size_t kHead =
      sizeof(fuse_out_header) + sizeof(abi::FuseExtWalkOut);
  if (in.meta_size < kHead || in.meta_size % 8 != 0) return -EINVAL;
  if (in.meta_size > kMaxMetaSize || in.meta_size > call.out.capacity()) {
    return -EINVAL;
  }
  char path[abi::kFuseExtMaxPath + 1];
  if (!call.in.Read(path, in.path_len)) return -EINVAL;
  Node* node = NodeOf(call);
  int error = DirFd(node);
  if (error < 0) return error;

  call.out.set_end(kHead);
  abi::FuseExtWalkOut out = {};
  out.open_status = -ENXIO;
  absl::string_view rest(path, in.path_len);
  error = WalkPath(call, rest, in.meta_size, &node, &out);
  if (error < 0) return error;
  if ((in.flags & abi::kFuseExtWalkOpen) != 0 && out.status == 0 &&
      node->type == S_IFREG) {
    out.open_status = OpenAtWalkEnd(call, in, node, &out);
  }
  return call.out.Put(sizeof(fuse_out_header), &out, sizeof(out)) ? 0 : -EIO;
}

// Appends the entries (and the symlink) to call.out. *node is the last one.
int FuseServer::WalkPath(Call& call, absl::string_view path, size_t meta_size,
                         Node** node, abi::FuseExtWalkOut* out) {
  while (!path.empty()) {
    size_t slash = path.find('/');
    absl::string_view component = path.substr(0, slash);
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
    FileName name;
    int error = CheckName(component);
    if (error == 0) {
      if (call.out.end() + sizeof(fuse_entry_out) > meta_size) {
        error = -EMSGSIZE;
      } else {
        name.length = component.copy(name.text, NAME_MAX);
        name.text[name.length] = 0;
        error = DirFd(*node);  // also: what came before must be a directory
      }
    }
    struct statx st;
    if (error >= 0) error = nodes_.Lookup(*node, name.c_str(), node, &st);
    if (error < 0) {
      out->status = error;
      return 0;
    }
    ++out->entry_count;
    if (!call.out.Append(EntryOf(**node, st))) return -EIO;
    if (S_ISLNK(st.stx_mode)) {
      AppendLink(call, *node, meta_size, out);
      return 0;
    }
  }
  return 0;
}

// If the target does not fit, the guest asks for it by READLINK.
void FuseServer::AppendLink(Call& call, Node* node, size_t meta_size,
                            abi::FuseExtWalkOut* out) {
  char target[PATH_MAX];
  size_t room = std::min(meta_size - call.out.end(), sizeof(target));
  int fd;
  const char* name;
  if (nodes_.Locate(node, &fd, &name) < 0) return;
  ssize_t length = RetryEintr([&] {
    return readlinkat(fd, name == nullptr ? "" : name, target, sizeof(target));
  });
  if (length <= 0 || static_cast<size_t>(length) > room) return;
  if (!call.out.Append(target, static_cast<size_t>(length))) return;
  out->link_len = static_cast<uint32_t>(length);
}

int FuseServer::OpenAtWalkEnd(Call& call, const abi::FuseExtWalkIn& in,
                              Node* node, abi::FuseExtWalkOut* out) {
  int fd = OpenRegular(node, in.open_flags);
  if (fd < 0) return fd;
  UniqueFd owned(fd);
  if ((in.open_flags & O_TRUNC) != 0) {
    // The last entry tells attributes from before.
    struct statx st;
    int error = StatFd(fd, &st);
    if (error < 0) return error;
    fuse_entry_out entry = EntryOf(*node, st);
    call.out.Put(call.out.end() - sizeof(entry), &entry, sizeof(entry));
  }
  if ((in.open_flags & O_ACCMODE) != O_WRONLY) {
    int error =
        AppendData(call, fd, in.meta_size, in.data_size, &out->data_len);
    if (error < 0) return error;
  }
  int error =
      MakeHandle(node, std::move(owned), in.open_flags, false, &out->fh);
  if (error < 0 && out->data_len > 0) {
    call.out.set_end(sizeof(fuse_out_header) + sizeof(*out) +
                     out->entry_count * sizeof(fuse_entry_out));
    out->data_len = 0;
  }
  return error;
}

}  // namespace crvm
