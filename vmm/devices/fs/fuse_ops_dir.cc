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
constexpr size_t kMinRoom = 1024;

struct DirEntry {
  uint64_t ino;
  int64_t off;  // where the next one is
  uint8_t type;
  absl::string_view name;
  absl::string_view link;  // kFuseExtReadDir: a symlink's target
};

// Appends one record, or false if it does not fit. `entry` is null without
// READDIRPLUS.
bool AppendDirent(ReplyWriter& out, size_t limit, const DirEntry& dirent,
                  const fuse_entry_out* entry) {
  char record[sizeof(fuse_entry_out) + sizeof(fuse_dirent) +
              FUSE_REC_ALIGN(NAME_MAX + abi::kFuseExtMaxDirLink)];
  size_t head = entry != nullptr ? sizeof(*entry) : 0;
  size_t end =
      head + FUSE_NAME_OFFSET + dirent.name.size() + dirent.link.size();
  size_t size = FUSE_REC_ALIGN(end);
  if (out.end() + size > limit) return false;
  if (entry != nullptr) std::memcpy(record, entry, sizeof(*entry));
  fuse_dirent header = {};
  header.ino = dirent.ino;
  header.off = static_cast<uint64_t>(dirent.off);
  header.namelen = static_cast<uint32_t>(dirent.name.size());
  header.type = dirent.type | static_cast<uint32_t>(dirent.link.size()) << 16;
  std::memcpy(record + head, &header, FUSE_NAME_OFFSET);
  char* text = record + head + FUSE_NAME_OFFSET;
  text += dirent.name.copy(text, NAME_MAX);
  dirent.link.copy(text, abi::kFuseExtMaxDirLink);
  std::memset(record + end, 0, size - end);
  return out.Append(record, size);
}

}  // namespace

int FuseServer::OpenDir(Call& call) {
  fuse_open_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  fuse_open_out out = {};
  int error = OpenDirectory(NodeOf(call), in.flags & O_NOATIME, &out.fh);
  if (error < 0) return error;
  return call.out.Append(out) ? 0 : -EIO;
}

int FuseServer::OpenDirectory(Node* node, uint32_t flags, uint64_t* fh) {
  int dir_fd = DirFd(node);
  if (dir_fd < 0) return dir_fd;
  int fd =
      OpenAt(dir_fd, ".", O_RDONLY | O_DIRECTORY | static_cast<int>(flags), 0);
  if (fd < 0) return fd;
  return MakeHandle(node, UniqueFd(fd), flags, true, fh);
}

int FuseServer::ReadDir(Call& call) {
  return ListDirectory(call, Listing::kNames);
}

int FuseServer::ReadDirPlus(Call& call) {
  return ListDirectory(call, Listing::kEntries);
}

int FuseServer::ListDirectory(Call& call, Listing what) {
  fuse_read_in in;
  if (!call.in.Read(&in)) return -EINVAL;
  int error;
  OpenFile* dir = HandleOf(call, in.fh, true, &error);
  if (dir == nullptr) return error;
  bool at_end;
  return FillDirents(call, dir, in.offset, in.size, what, &at_end);
}

int FuseServer::ReadDirWithOpen(Call& call) {
  abi::FuseExtReadDirIn in;
  if (!call.in.Read(&in)) return -EINVAL;
  constexpr size_t kMeta =
      sizeof(fuse_out_header) + sizeof(abi::FuseExtReadDirOut);
  if ((in.flags & ~uint32_t{abi::kFuseExtReadDirPlus}) != 0) return -EINVAL;
  if (in.meta_size < kMeta || in.meta_size > call.out.capacity()) {
    return -EINVAL;
  }
  abi::FuseExtReadDirOut out = {};
  out.fh = in.fh;
  int error = 0;
  if (in.fh == 0) error = OpenDirectory(NodeOf(call), 0, &out.fh);
  if (error < 0) return error;
  OpenFile* dir = HandleOf(call, out.fh, true, &error);
  if (dir == nullptr) return error;
  call.out.set_end(in.meta_size);
  bool at_end = false;
  Listing what = (in.flags & abi::kFuseExtReadDirPlus) != 0
                     ? Listing::kEntriesAndLinks
                     : Listing::kNames;
  error = FillDirents(call, dir, in.offset, in.size, what, &at_end);
  if (error < 0) {
    if (in.fh == 0) {
      handles_.Erase(out.fh);
      nodes_.DropHandle(dir->node);
    }
    return error;
  }
  out.data_len = static_cast<uint32_t>(call.out.end() - in.meta_size);
  out.at_end = at_end ? 1 : 0;
  if (out.data_len == 0) call.out.set_end(kMeta);
  return call.out.Put(sizeof(fuse_out_header), &out, sizeof(out)) ? 0 : -EIO;
}

// Records from `offset` on, at the reply's end, until `size` is used up.
int FuseServer::FillDirents(Call& call, OpenFile* dir, uint64_t from,
                            uint32_t size, Listing what, bool* at_end) {
  *at_end = false;
  int fd = dir->fd.get();
  int64_t offset = static_cast<int64_t>(from);
  if (dir->position != offset) {
    if (lseek(fd, offset, SEEK_SET) < 0) return -errno;
    dir->position = offset;
  }
  size_t start = call.out.end();
  size_t limit = start + std::min(size, abi::kFuseMaxData);
  limit = std::min(limit, call.out.capacity());
  if (scratch_.empty()) scratch_.resize(kScratchSize);
  for (;;) {
    size_t room = limit - std::min(limit, call.out.end());
    if (call.out.end() > start && room < kMinRoom) return 0;
    // A reply's record is never smaller than the host's: what is read here
    // beyond what fits is read in vain, and again next time.
    size_t want = std::clamp(what == Listing::kNames ? room : room / 4,
                             kMinRead, kScratchSize);
    long got = RetryEintr(
        [&] { return syscall(SYS_getdents64, fd, scratch_.data(), want); });
    if (got < 0) return call.out.end() > start ? 0 : static_cast<int>(got);
    if (got == 0) {
      *at_end = true;
      return 0;
    }
    if (!AppendHostDirents(call, dir, static_cast<size_t>(got), limit, what)) {
      // The host's stream is ahead of what the guest has been told.
      dir->position = -1;
      return call.out.end() == start ? -EINVAL : 0;
    }
  }
}

// False when the reply is full before the last of them.
bool FuseServer::AppendHostDirents(Call& call, OpenFile* dir, size_t size,
                                   size_t limit, Listing what) {
  for (size_t at = 0; at + kHostNameOffset < size;) {
    HostDirent host;
    std::memcpy(&host, scratch_.data() + at, kHostNameOffset);
    const char* name = scratch_.data() + at + kHostNameOffset;
    at += host.length;
    DirEntry dirent{host.ino, host.off, host.type, absl::string_view(name), {}};
    char link[abi::kFuseExtMaxDirLink + 1];
    fuse_entry_out entry = {};  // node id 0: look it up if you need it
    Node* node = nullptr;
    if (what != Listing::kNames && CheckName(dirent.name) == 0) {
      struct statx st;
      if (nodes_.Lookup(dir->node, name, &node, &st) == 0) {
        entry = EntryOf(*node, st);
      } else {
        node = nullptr;
      }
    }
    if (what == Listing::kEntriesAndLinks && node != nullptr &&
        node->type == S_IFLNK) {
      ssize_t length = RetryEintr(
          [&] { return readlinkat(dir->fd.get(), name, link, sizeof(link)); });
      if (length > 0 && static_cast<size_t>(length) < sizeof(link)) {
        dirent.link = absl::string_view(link, static_cast<size_t>(length));
      }
    }
    if (!AppendDirent(call.out, limit, dirent,
                      what == Listing::kNames ? nullptr : &entry)) {
      if (node != nullptr) nodes_.Forget(node, 1);
      return false;
    }
    dir->position = dirent.off;
  }
  return true;
}

}  // namespace crvm
