// SPDX-License-Identifier: Apache-2.0
//
// The size of files and getting them to disk: truncate, fallocate, fsync,
// fadvise and their relatives.
#include "guestkernel/fs/mount.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

int CheckRegular(const FileAttributes& attributes) {
  uint32_t type = attributes.mode & kModeTypeMask;
  if (type == kModeDirectory) return -EISDIR;
  return type == kModeRegular ? 0 : -EINVAL;
}

int CheckGrowth(const FileAttributes& attributes, uint64_t size) {
  if (size <= attributes.size) return 0;
  int64_t allowed = LimitWrite(attributes.size, size - attributes.size);
  if (allowed < 0) return static_cast<int>(allowed);
  if (static_cast<uint64_t>(allowed) == size - attributes.size) return 0;
  // Unlike a write, a truncation is not done in part.
  return static_cast<int>(LimitWrite(Limit(/*RLIMIT_FSIZE*/ 1), 1));
}

Result<RefPtr<File>> RegularForSync(int fd) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(fd));
  FileAttributes attributes;
  GK_RETURN_IF_ERROR(file->GetAttributes(&attributes));
  uint32_t type = attributes.mode & kModeTypeMask;
  if (type == kModeFifo || type == kModeSocket) return Error(-ESPIPE);
  return file;
}

}  // namespace

int64_t SysTruncate(const SyscallArgs& args) {
  if (args.I64(1) < 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(Target target, ResolveTarget(kAtFdCwd, args.User(0), 0));
  FileAttributes now;
  GK_RETURN_IF_ERROR(target.GetAttributes(&now));
  GK_RETURN_IF_ERROR(CheckRegular(now));
  GK_RETURN_IF_ERROR(CheckAccess(target.inode(), 2));
  GK_RETURN_IF_ERROR(CheckGrowth(now, args.U64(1)));
  AttributeChange change;
  change.set_size = true;
  change.size = args.U64(1);
  return target.SetAttributes(change);
}

int64_t SysFtruncate(const SyscallArgs& args) {
  if (args.I64(1) < 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  FileAttributes now;
  GK_RETURN_IF_ERROR(file->GetAttributes(&now));
  if (CheckRegular(now) < 0 || !file->writable()) return -EINVAL;
  GK_RETURN_IF_ERROR(CheckGrowth(now, args.U64(1)));
  AttributeChange change;
  change.set_size = true;
  change.size = args.U64(1);
  return file->SetAttributes(change);
}

int64_t SysFallocate(const SyscallArgs& args) {
  enum { kKeepSize = 1, kPunchHole = 2, kKnown = 0x7f };
  int mode = args.Int(1);
  int64_t offset = args.I64(2), length = args.I64(3);
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (offset < 0 || length <= 0) return -EINVAL;
  if (mode & ~kKnown) return -EOPNOTSUPP;
  if ((mode & kPunchHole) && !(mode & kKeepSize)) return -EOPNOTSUPP;
  if (!file->writable()) return -EBADF;
  FileAttributes now;
  GK_RETURN_IF_ERROR(file->GetAttributes(&now));
  uint32_t type = now.mode & kModeTypeMask;
  if (type == kModeFifo) return -ESPIPE;
  if (type == kModeDirectory) return -EISDIR;
  if (type != kModeRegular) return -ENODEV;
  int64_t end;
  if (__builtin_add_overflow(offset, length, &end)) return -EFBIG;
  if (!(mode & kKeepSize)) {
    GK_RETURN_IF_ERROR(CheckGrowth(now, static_cast<uint64_t>(end)));
  }
  return file->Allocate(mode, args.U64(2), args.U64(3));
}

int64_t SysSync(const SyscallArgs&) {
  SyncAllFileSystems();  // sync(2) has no errors
  return 0;
}

int64_t SysFsync(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  return file->Sync(/*data_only=*/false);
}

int64_t SysFdatasync(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  return file->Sync(/*data_only=*/true);
}

int64_t SysSyncfs(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  return file->inode() ? file->inode()->fs()->SyncAll() : 0;
}

int64_t SysSyncFileRange(const SyscallArgs& args) {
  if (args.U32(3) & ~7u) return -EINVAL;
  if (args.I64(1) < 0 || args.I64(2) < 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, RegularForSync(args.Int(0)));
  return file->Sync(/*data_only=*/true);
}

int64_t SysFadvise64(const SyscallArgs& args) {
  constexpr uint32_t kLastAdvice = 5;  // POSIX_FADV_NOREUSE
  GK_RETURN_IF_ERROR(RegularForSync(args.Int(0)));
  if (args.U32(3) > kLastAdvice || args.I64(2) < 0) return -EINVAL;
  return 0;  // advice: none of it is needed
}

int64_t SysReadahead(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (!file->readable()) return -EBADF;
  FileAttributes attributes;
  GK_RETURN_IF_ERROR(file->GetAttributes(&attributes));
  return (attributes.mode & kModeTypeMask) == kModeRegular ? 0 : -EINVAL;
}

}  // namespace gk
