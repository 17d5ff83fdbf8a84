// SPDX-License-Identifier: Apache-2.0
//
// FuseServer's operations on the contents of open files. Data goes between the
// host's page cache and guest memory without a copy in between.

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "vmm/devices/fs/fuse_server.h"
#include "vmm/devices/fs/host_file.h"

namespace crvm {
namespace {

// A copy within the host may be long; the vCPU waits for it.
constexpr uint64_t kMaxCopy = 16 << 20;

constexpr uint32_t kFsyncDataOnly = 1;  // fuse_fsync_in.fsync_flags

// Lets a write through an O_APPEND descriptor go where it says.
class ScopedNoAppend {
 public:
  explicit ScopedNoAppend(int fd) : fd_(fd), flags_(fcntl(fd, F_GETFL)) {
    if (flags_ >= 0) fcntl(fd_, F_SETFL, flags_ & ~O_APPEND);
  }
  ScopedNoAppend(const ScopedNoAppend&) = delete;
  ScopedNoAppend& operator=(const ScopedNoAppend&) = delete;
  ~ScopedNoAppend() {
    if (flags_ >= 0) fcntl(fd_, F_SETFL, flags_);
  }

 private:
  int fd_;
  int flags_;
};

}  // namespace

int FuseServer::Read(Call& call) {
  fuse_read_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int error;
  OpenFile* file = HandleOf(call, in.fh, false, &error);
  if (file == nullptr) return error;
  if (in.offset > INT64_MAX) return -EINVAL;
  IovecList list;
  call.out.Map(call.out.end(), std::min(in.size, abi::kFuseMaxData), &list);
  if (list.count == 0) return 0;
  ssize_t got = RetryEintr([&] {
    return preadv(file->fd.get(), list.items, list.count,
                  static_cast<off_t>(in.offset));
  });
  if (got < 0) return static_cast<int>(got);
  call.out.set_end(call.out.end() + static_cast<size_t>(got));
  return 0;
}

int FuseServer::WriteData(Call& call, WriteResult* result, int* fd,
                          struct statx* before) {
  fuse_write_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int error;
  OpenFile* file = HandleOf(call, in.fh, false, &error);
  if (file == nullptr) return error;
  if (in.size > call.in.remaining() || in.offset > INT64_MAX) return -EINVAL;
  *fd = file->fd.get();
  if (before != nullptr) {
    error = StatFd(*fd, before);
    if (error < 0) return error;
  }
  off_t offset = static_cast<off_t>(in.offset);
  IovecList list;
  call.in.Take(std::min(in.size, abi::kFuseMaxData), &list);
  ssize_t done;
  bool append = (file->flags & O_APPEND) != 0;
  if (append && (in.write_flags & FUSE_WRITE_CACHE) == 0) {
    // At the end, wherever that is now. The descriptor's position, which
    // nothing else uses, then tells where that was.
    done = RetryEintr([&] { return writev(*fd, list.items, list.count); });
    if (done >= 0) offset = lseek(*fd, 0, SEEK_CUR) - done;
  } else if (append) {
    ScopedNoAppend no_append(*fd);
    done = RetryEintr(
        [&] { return pwritev(*fd, list.items, list.count, offset); });
  } else {
    done = RetryEintr(
        [&] { return pwritev(*fd, list.items, list.count, offset); });
  }
  if (done < 0) return static_cast<int>(done);
  result->size = static_cast<uint32_t>(done);
  result->end_offset = static_cast<uint64_t>(offset + done);
  return 0;
}

int FuseServer::Write(Call& call) {
  WriteResult result;
  int fd;
  int error = WriteData(call, &result, &fd, nullptr);
  if (error < 0) return error;
  fuse_write_out out{result.size, 0};
  return call.out.Append(out) ? 0 : -EIO;
}

int FuseServer::WriteWithAttr(Call& call) {
  WriteResult result;
  int fd;
  struct statx before, st;
  int error = WriteData(call, &result, &fd, &before);
  if (error < 0) return error;
  error = StatFd(fd, &st);
  if (error < 0) return error;
  abi::FuseExtWriteOut out = {};
  out.end_offset = result.end_offset;
  out.size = result.size;
  out.before_size = before.stx_size;
  out.before_mtime = static_cast<uint64_t>(before.stx_mtime.tv_sec);
  out.before_mtimensec = before.stx_mtime.tv_nsec;
  out.attr = AttrOf(st);
  return call.out.Append(out) ? 0 : -EIO;
}

int FuseServer::Flush(Call& call) {
  fuse_flush_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int error;
  OpenFile* file = HandleOf(call, in.fh, false, &error);
  if (file == nullptr) return error;
  if ((file->flags & O_ACCMODE) == O_RDONLY) return 0;
  // Closing a duplicate is how a file system hears of a close(2) and reports
  // late write errors.
  int copy = fcntl(file->fd.get(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return -errno;
  return close(copy) < 0 && errno != EINTR ? -errno : 0;
}

int FuseServer::Fsync(Call& call) {
  fuse_fsync_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int error;
  bool directory = call.header.opcode == FUSE_FSYNCDIR;
  OpenFile* file = HandleOf(call, in.fh, directory, &error);
  if (file == nullptr) return error;
  int fd = file->fd.get();
  if ((in.fsync_flags & kFsyncDataOnly) != 0) {
    return RetryEintr([&] { return fdatasync(fd); });
  }
  return RetryEintr([&] { return fsync(fd); });
}

// sync(2) of the guest comes with the root, syncfs(2) with another directory.
int FuseServer::SyncFs(Call& call) {
  if (call.header.nodeid == NodeTable::kRootId) {
    sync();
    return 0;
  }
  int dir_fd = DirFd(NodeOf(call));
  if (dir_fd < 0) return dir_fd;
  int fd = OpenAt(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0) return fd;
  UniqueFd owned(fd);
  return RetryEintr([&] { return syncfs(fd); });
}

int FuseServer::FsyncDir(Call& call) { return Fsync(call); }

int FuseServer::Fallocate(Call& call) {
  fuse_fallocate_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int error;
  OpenFile* file = HandleOf(call, in.fh, false, &error);
  if (file == nullptr) return error;
  if (in.offset > INT64_MAX || in.length > INT64_MAX) return -EINVAL;
  return RetryEintr([&] {
    return fallocate(file->fd.get(), static_cast<int>(in.mode),
                     static_cast<off_t>(in.offset),
                     static_cast<off_t>(in.length));
  });
}

int FuseServer::Lseek(Call& call) {
  fuse_lseek_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int error;
  OpenFile* file = HandleOf(call, in.fh, false, &error);
  if (file == nullptr) return error;
  if (in.whence != SEEK_DATA && in.whence != SEEK_HOLE) return -EINVAL;
  if (in.offset > INT64_MAX) return -EINVAL;
  off_t at = lseek(file->fd.get(), static_cast<off_t>(in.offset),
                   static_cast<int>(in.whence));
  if (at < 0) return -errno;
  fuse_lseek_out out{static_cast<uint64_t>(at)};
  return call.out.Append(out) ? 0 : -EIO;
}

int FuseServer::CopyFileRange(Call& call) {
  fuse_copy_file_range_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int error;
  OpenFile* from = HandleOf(call, in.fh_in, false, &error);
  if (from == nullptr) return error;
  OpenFile* to = handles_.Find(in.fh_out);
  if (to == nullptr || to->directory || to->node->id != in.nodeid_out) {
    return -EBADF;
  }
  if (in.flags != 0 || in.off_in > INT64_MAX || in.off_out > INT64_MAX) {
    return -EINVAL;
  }
  off_t from_offset = static_cast<off_t>(in.off_in);
  off_t to_offset = static_cast<off_t>(in.off_out);
  ssize_t done = RetryEintr([&] {
    return copy_file_range(from->fd.get(), &from_offset, to->fd.get(),
                           &to_offset, std::min(in.len, kMaxCopy), 0);
  });
  if (done < 0) return static_cast<int>(done);
  fuse_write_out out{static_cast<uint32_t>(done), 0};
  return call.out.Append(out) ? 0 : -EIO;
}

}  // namespace crvm
