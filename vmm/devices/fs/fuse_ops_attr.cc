// SPDX-License-Identifier: Apache-2.0
//
// FuseServer's operations on attributes and extended attributes.

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "vmm/devices/fs/fuse_server.h"
#include "vmm/devices/fs/host_file.h"

namespace crvm {
namespace {

constexpr uint32_t kPermissionBits = 07777;

using XattrName = BoundedString<XATTR_NAME_MAX>;

// Extended attributes have no *at() calls: a path to the descriptor's file.
struct ProcPath {
  explicit ProcPath(int fd) {
    snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
  }
  char text[32];
};

int ReadXattrName(RequestReader& in, XattrName* name) {
  int error = in.ReadString(name);
  if (error == -ENAMETOOLONG) return -ERANGE;  // as xattr(7) has it
  if (error < 0) return error;
  return name->length == 0 ? -ERANGE : 0;
}

struct timespec TimeOf(uint32_t valid, uint32_t set, uint32_t now,
                       uint64_t seconds, uint32_t nanoseconds) {
  if ((valid & now) != 0) return {0, UTIME_NOW};
  if ((valid & set) == 0) return {0, UTIME_OMIT};
  // Bad values must not become UTIME_NOW or UTIME_OMIT.
  return {static_cast<time_t>(seconds),
          static_cast<long>(std::min<uint32_t>(nanoseconds, 999999999))};
}

}  // namespace

int FuseServer::GetAttr(Call& call) {
  fuse_getattr_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  struct statx st;
  int error;
  OpenFile* file = (in.getattr_flags & FUSE_GETATTR_FH) != 0
                       ? handles_.Find(in.fh)
                       : nullptr;
  if (file != nullptr && file->node == node) {
    error = StatFd(file->fd.get(), &st);
  } else {
    error = nodes_.Stat(node, &st);
  }
  if (error < 0) return error;
  fuse_attr_out out = {};
  out.attr_valid = options_.attr_timeout_ms / 1000;
  out.attr_valid_nsec = options_.attr_timeout_ms % 1000 * 1000000;
  out.dummy = abi::PackHostDevice(st.stx_dev_major, st.stx_dev_minor);
  out.attr = AttrOf(st);
  return call.out.Append(out) ? 0 : -EIO;
}

int FuseServer::SetAttr(Call& call) {
  fuse_setattr_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  int fd = nodes_.Fd(node);
  if (fd < 0) return fd;
  ProcName proc_name(fd);
  int error = 0;

  if ((in.valid & FATTR_MODE) != 0) {
    if (node->type == S_IFLNK) return -EOPNOTSUPP;
    error = RetryEintr([&] {
      return fchmodat(proc_fds_.get(), proc_name.text,
                      in.mode & kPermissionBits, 0);
    });
    if (error < 0) return error;
  }
  if ((in.valid & (FATTR_UID | FATTR_GID)) != 0) {
    uid_t uid = (in.valid & FATTR_UID) != 0 ? in.uid : static_cast<uid_t>(-1);
    gid_t gid = (in.valid & FATTR_GID) != 0 ? in.gid : static_cast<gid_t>(-1);
    error =
        RetryEintr([&] { return fchownat(fd, "", uid, gid, AT_EMPTY_PATH); });
    if (error < 0) return error;
  }
  if ((in.valid & FATTR_SIZE) != 0) {
    error = Truncate(node, in, fd);
    if (error < 0) return error;
  }
  constexpr uint32_t kTimes =
      FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW;
  if ((in.valid & kTimes) != 0) {
    struct timespec times[2] = {
        TimeOf(in.valid, FATTR_ATIME, FATTR_ATIME_NOW, in.atime, in.atimensec),
        TimeOf(in.valid, FATTR_MTIME, FATTR_MTIME_NOW, in.mtime, in.mtimensec)};
    error = RetryEintr([&] {
      // AT_SYMLINK_NOFOLLOW would mean the link in /proc itself.
      return utimensat(proc_fds_.get(), proc_name.text, times, 0);
    });
    if (error < 0) return error;
  }

  struct statx st;
  error = StatFd(fd, &st);
  if (error < 0) return error;
  fuse_attr_out out = {};
  out.attr_valid = options_.attr_timeout_ms / 1000;
  out.attr_valid_nsec = options_.attr_timeout_ms % 1000 * 1000000;
  out.attr = AttrOf(st);
  return call.out.Append(out) ? 0 : -EIO;
}

int FuseServer::Truncate(Node* node, const fuse_setattr_in& in, int fd) {
  if (in.size > INT64_MAX) return -EFBIG;
  if (node->type == S_IFDIR) return -EISDIR;
  if (node->type != S_IFREG) return -EINVAL;
  off_t size = static_cast<off_t>(in.size);
  OpenFile* file = (in.valid & FATTR_FH) != 0 ? handles_.Find(in.fh) : nullptr;
  if (file != nullptr && file->node == node &&
      (file->flags & O_ACCMODE) != O_RDONLY) {
    return RetryEintr([&] { return ftruncate(file->fd.get(), size); });
  }
  int opened = OpenAt(proc_fds_.get(), ProcName(fd).text,
                      O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);
  if (opened < 0) return opened;
  UniqueFd owned(opened);
  return RetryEintr([&] { return ftruncate(opened, size); });
}

int FuseServer::Access(Call& call) {
  fuse_access_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  if ((in.mask & ~uint32_t{R_OK | W_OK | X_OK}) != 0) return -EINVAL;
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  int fd = nodes_.Fd(node);
  if (fd < 0) return fd;
  return RetryEintr([&] {
    return faccessat(proc_fds_.get(), ProcName(fd).text,
                     static_cast<int>(in.mask), 0);
  });
}

int FuseServer::GetXattr(Call& call) {
  fuse_getxattr_in in;
  XattrName name;
  if (!call.in.Read(&in)) return -EINVAL;
  int error = ReadXattrName(call.in, &name);
  if (error < 0) return error;
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  int fd = nodes_.Fd(node);
  if (fd < 0) return fd;
  std::vector<char> value(std::min<uint32_t>(in.size, XATTR_SIZE_MAX));
  ssize_t size = RetryEintr([&] {
    return getxattr(ProcPath(fd).text, name.c_str(), value.data(),
                    value.size());
  });
  return ReplyXattr(call, in.size, value.data(), size);
}

int FuseServer::ListXattr(Call& call) {
  fuse_getxattr_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  int fd = nodes_.Fd(node);
  if (fd < 0) return fd;
  std::vector<char> names(std::min<uint32_t>(in.size, XATTR_LIST_MAX));
  ssize_t size = RetryEintr(
      [&] { return listxattr(ProcPath(fd).text, names.data(), names.size()); });
  return ReplyXattr(call, in.size, names.data(), size);
}

// `size` is what the host said: bytes that are there, or would be if the guest
// asked with size 0, or an error.
int FuseServer::ReplyXattr(Call& call, uint32_t asked, const char* data,
                           ssize_t size) {
  if (size < 0) return static_cast<int>(size);
  if (asked == 0) {
    fuse_getxattr_out out{static_cast<uint32_t>(size), 0};
    return call.out.Append(out) ? 0 : -EIO;
  }
  return call.out.Append(data, static_cast<size_t>(size)) ? 0 : -ERANGE;
}

int FuseServer::SetXattr(Call& call) {
  // FUSE_SETXATTR_EXT is not announced: the short form.
  struct {
    uint32_t size;
    uint32_t flags;
  } in;
  static_assert(sizeof(in) == FUSE_COMPAT_SETXATTR_IN_SIZE);
  XattrName name;
  if (!call.in.Read(&in)) return -EINVAL;
  int error = ReadXattrName(call.in, &name);
  if (error < 0) return error;
  if (in.size > XATTR_SIZE_MAX) return -E2BIG;
  std::vector<char> value(in.size);
  if (!call.in.Read(value.data(), value.size())) return -EINVAL;
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  int fd = nodes_.Fd(node);
  if (fd < 0) return fd;
  return RetryEintr([&] {
    return setxattr(ProcPath(fd).text, name.c_str(), value.data(), value.size(),
                    static_cast<int>(in.flags));
  });
}

int FuseServer::RemoveXattr(Call& call) {
  XattrName name;
  int error = ReadXattrName(call.in, &name);
  if (error < 0) return error;
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  int fd = nodes_.Fd(node);
  if (fd < 0) return fd;
  return RetryEintr(
      [&] { return removexattr(ProcPath(fd).text, name.c_str()); });
}

}  // namespace crvm
