// SPDX-License-Identifier: Apache-2.0
//
// getdents, and the process's directories: chdir, getcwd, chroot, umask.
#include <cstddef>

#include "guestkernel/fs/fs_context.h"
#include "guestkernel/fs/permission.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/lib/heap.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

constexpr size_t kMaxListing = 32 * 1024;

// struct linux_dirent64: name follows. struct linux_dirent has no type there,
// but one byte behind the name's NUL.
struct DirentHeader {
  uint64_t inode;
  int64_t next_offset;
  uint16_t length;
} __attribute__((packed));
static_assert(sizeof(DirentHeader) == 18);

// Lays entries out in a kernel buffer.
class DirentSink final : public DirSink {
 public:
  DirentSink(char* buffer, size_t size, bool old_format)
      : buffer_(buffer), size_(size), old_format_(old_format) {}
  bool Add(StringView name, uint64_t inode, uint8_t type,
           uint64_t next_offset) override {
    // Header, type byte, name, NUL; a multiple of 8.
    size_t length = (sizeof(DirentHeader) + 1 + name.size() + 1 + 7) & ~7ul;
    if (used_ + length > size_) {
      full_ = true;
      return false;
    }
    char* at = buffer_ + used_;
    memset(at, 0, length);
    DirentHeader header = {inode, static_cast<int64_t>(next_offset),
                           static_cast<uint16_t>(length)};
    memcpy(at, &header, sizeof(header));
    at += sizeof(header);
    if (!old_format_) *at++ = static_cast<char>(type);
    memcpy(at, name.data(), name.size());
    if (old_format_) buffer_[used_ + length - 1] = static_cast<char>(type);
    used_ += length;
    return true;
  }
  size_t used() const { return used_; }
  bool full() const { return full_; }

 private:
  char* buffer_;
  size_t size_, used_ = 0;
  bool old_format_, full_ = false;
};

struct HeapBlock {
  explicit HeapBlock(size_t size)
      : data(static_cast<char*>(HeapAllocate(size))) {}
  ~HeapBlock() { HeapFree(data); }
  char* data;
};

int64_t List(const SyscallArgs& args, bool old_format) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (!file->inode() || !file->inode()->is_directory()) return -ENOTDIR;
  if (file->dentry()->is_unlinked()) return -ENOENT;
  size_t size = args.U32(2) < kMaxListing ? args.U32(2) : kMaxListing;
  HeapBlock block(size ? size : 1);
  if (!block.data) return -ENOMEM;
  DirentSink sink(block.data, size, old_format);
  uint64_t position = file->position();
  GK_RETURN_IF_ERROR(file->ReadDirectory(sink));
  if (sink.used() == 0) return sink.full() ? -EINVAL : 0;
  if (int error = CopyToUser(args.User(1), block.data, sink.used())) {
    file->set_position(position);
    return error;
  }
  return static_cast<int64_t>(sink.used());
}

int ChangeDirectory(RefPtr<Dentry> to) {
  if (!to->inode() || !to->inode()->is_directory()) return -ENOTDIR;
  GK_RETURN_IF_ERROR(CheckAccess(to->inode(), 1));
  CurrentProcess()->fs->cwd = std::move(to);
  return 0;
}

}  // namespace

int64_t SysGetdents(const SyscallArgs& args) {
  return List(args, /*old_format=*/true);
}

int64_t SysGetdents64(const SyscallArgs& args) {
  return List(args, /*old_format=*/false);
}

int64_t SysChdir(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(KString path, CopyPathFromUser(args.User(0)));
  GK_ASSIGN_OR_RETURN(
      RefPtr<Dentry> to,
      LookupPath(kAtFdCwd, path, kLookupFollow | kLookupDirectory));
  return ChangeDirectory(std::move(to));
}

int64_t SysFchdir(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFileOrPath(args.Int(0)));
  if (!file->dentry()) return -ENOTDIR;
  return ChangeDirectory(RefPtr<Dentry>(file->dentry()));
}

int64_t SysGetcwd(const SyscallArgs& args) {
  RefPtr<Dentry> cwd = CurrentProcess()->fs->cwd;
  if (cwd->is_unlinked()) return -ENOENT;
  GK_ASSIGN_OR_RETURN(KString path, PathOf(cwd.get()));
  if (path.size() + 1 > args.U64(1)) return -ERANGE;
  GK_RETURN_IF_ERROR(CopyToUser(args.User(0), path.c_str(), path.size() + 1));
  return static_cast<int64_t>(path.size() + 1);
}

int64_t SysChroot(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(KString path, CopyPathFromUser(args.User(0)));
  GK_ASSIGN_OR_RETURN(
      RefPtr<Dentry> to,
      LookupPath(kAtFdCwd, path, kLookupFollow | kLookupDirectory));
  GK_RETURN_IF_ERROR(CheckAccess(to->inode(), 1));
  if (!HasCapability(kCapSysChroot)) return -EPERM;
  CurrentProcess()->fs->root = std::move(to);
  return 0;
}

int64_t SysUmask(const SyscallArgs& args) {
  FsContext* fs = CurrentProcess()->fs.get();
  uint32_t old = fs->umask;
  fs->umask = args.U32(0) & 0777;
  return old;
}

}  // namespace gk
