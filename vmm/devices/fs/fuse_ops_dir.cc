// SPDX-License-Identifier: Apache-2.0
//
// FuseServer's operations on open directories.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "vmm/devices/fs/fuse_names.h"
#include "vmm/devices/fs/fuse_server.h"
#include "vmm/devices/fs/host_file.h"

namespace crvm {
namespace {

// getdents64(2)'s record.
struct HostDirent {
  uint64_t ino;
  int64_t off;
  uint16_t length;
  uint8_t type;
  char name[];
};
constexpr size_t kHostNameOffset = offsetof(HostDirent, name);
constexpr size_t kScratchSize = 64 << 10;
constexpr size_t kMinRead = 512;  // holds at least one record

struct DirEntry {
  uint64_t ino;
  int64_t off;  // where the next one is
  uint8_t type;
  absl::string_view name;
};

// Appends one record, or false if it does not fit. `entry` is null without
// READDIRPLUS.
bool AppendDirent(ReplyWriter& out, size_t limit, const DirEntry& dirent,
                  const fuse_entry_out* entry) {
  char record[sizeof(fuse_entry_out) + sizeof(fuse_dirent) +
              FUSE_REC_ALIGN(NAME_MAX)] = {};
  size_t head = entry != nullptr ? sizeof(*entry) : 0;
  size_t size = FUSE_REC_ALIGN(head + FUSE_NAME_OFFSET + dirent.name.size());
  if (out.end() + size > limit) return false;
  if (entry != nullptr) std::memcpy(record, entry, sizeof(*entry));
  fuse_dirent header = {};
  header.ino = dirent.ino;
  header.off = static_cast<uint64_t>(dirent.off);
  header.namelen = static_cast<uint32_t>(dirent.name.size());
  header.type = dirent.type;
  std::memcpy(record + head, &header, FUSE_NAME_OFFSET);
  dirent.name.copy(record + head + FUSE_NAME_OFFSET, NAME_MAX);
  return out.Append(record, size);
}

}  // namespace

int FuseServer::OpenDir(Call& call) {
  fuse_open_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  Node* node = NodeOf(call);
  int dir_fd = DirFd(node);
  if (dir_fd < 0) return dir_fd;
  int fd = OpenAt(
      dir_fd, ".",
      O_RDONLY | O_DIRECTORY | static_cast<int>(in.flags & O_NOATIME), 0);
  if (fd < 0) return fd;
  fuse_open_out out = {};
  int error =
      MakeHandle(node, UniqueFd(fd), in.flags & O_NOATIME, true, &out.fh);
  if (error < 0) return error;
  return call.out.Append(out) ? 0 : -EIO;
}

int FuseServer::ReadDir(Call& call) { return ListDirectory(call, false); }

int FuseServer::ReadDirPlus(Call& call) { return ListDirectory(call, true); }

int FuseServer::ListDirectory(Call& call, bool plus) {
  fuse_read_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int error;
  OpenFile* dir = HandleOf(call, in.fh, true, &error);
  if (dir == nullptr) return error;
  int fd = dir->fd.get();
  int64_t offset = static_cast<int64_t>(in.offset);
  if (dir->position != offset) {
    if (lseek(fd, offset, SEEK_SET) < 0) return -errno;
    dir->position = offset;
  }
  size_t limit = call.out.end() + std::min(in.size, abi::kFuseMaxData);
  limit = std::min(limit, call.out.capacity());
  if (scratch_.empty()) scratch_.resize(kScratchSize);
  // A reply's record is never smaller than the host's: what is read here beyond
  // what fits is read in vain, and again next time.
  size_t room = limit - call.out.end();
  size_t want = std::clamp(plus ? room / 4 : room, kMinRead, kScratchSize);
  long got = RetryEintr(
      [&] { return syscall(SYS_getdents64, fd, scratch_.data(), want); });
  if (got <= 0) return static_cast<int>(got);
  if (AppendHostDirents(call, dir, static_cast<size_t>(got), limit, plus)) {
    return 0;
  }
  // The host's stream is ahead of what the guest has been told.
  dir->position = -1;
  return call.out.end() == sizeof(fuse_out_header) ? -EINVAL : 0;
}

// False when the reply is full before the last of them.
bool FuseServer::AppendHostDirents(Call& call, OpenFile* dir, size_t size,
                                   size_t limit, bool plus) {
  for (size_t at = 0; at + kHostNameOffset < size;) {
    HostDirent host;
    std::memcpy(&host, scratch_.data() + at, kHostNameOffset);
    const char* name = scratch_.data() + at + kHostNameOffset;
    at += host.length;
    DirEntry dirent{host.ino, host.off, host.type, absl::string_view(name)};
    fuse_entry_out entry = {};  // node id 0: look it up if you need it
    Node* node = nullptr;
    if (plus && CheckName(dirent.name) == 0) {
      struct statx st;
      if (nodes_.Lookup(dir->node, name, &node, &st) == 0) {
        entry = EntryOf(*node, st);
      } else {
        node = nullptr;
      }
    }
    if (!AppendDirent(call.out, limit, dirent, plus ? &entry : nullptr)) {
      if (node != nullptr) nodes_.Forget(node, 1);
      return false;
    }
    dir->position = dirent.off;
  }
  return true;
}

}  // namespace crvm
