// SPDX-License-Identifier: Apache-2.0
//
// mkdir, rmdir, unlink, rename, link, symlink, mknod; mount is refused.
#include "guestkernel/fs/name_ops.h"
#include "guestkernel/fs/permission.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

int64_t Mkdir(int at_fd, UserAddress path, uint32_t mode) {
  GK_ASSIGN_OR_RETURN(KString text, CopyPathFromUser(path));
  return MakeDirectoryAt(at_fd, text, mode);
}

int64_t Rename(int old_fd, UserAddress old_path, int new_fd,
               UserAddress new_path, uint32_t flags) {
  GK_ASSIGN_OR_RETURN(KString from, CopyPathFromUser(old_path));
  GK_ASSIGN_OR_RETURN(KString to, CopyPathFromUser(new_path));
  return RenameAt(old_fd, from, new_fd, to, flags);
}

int64_t Link(int old_fd, UserAddress old_path, int new_fd, UserAddress new_path,
             uint32_t flags) {
  if (flags & ~(kAtSymlinkFollow | kAtEmptyPath)) return -EINVAL;
  uint32_t at_flags = flags & kAtEmptyPath;
  if (!(flags & kAtSymlinkFollow)) at_flags |= kAtSymlinkNoFollow;
  GK_ASSIGN_OR_RETURN(Target source, ResolveTarget(old_fd, old_path, at_flags));
  if (!source.inode()) return -EXDEV;  // a pipe, a socket
  GK_ASSIGN_OR_RETURN(KString to, CopyPathFromUser(new_path));
  return LinkAt(source.dentry.get(), new_fd, to);
}

int64_t Symlink(UserAddress target, int at_fd, UserAddress path) {
  GK_ASSIGN_OR_RETURN(KString text, CopyPathFromUser(target));
  GK_ASSIGN_OR_RETURN(KString at, CopyPathFromUser(path));
  return MakeSymlinkAt(text, at_fd, at);
}

int64_t Mknod(int at_fd, UserAddress path, uint32_t mode, uint32_t device) {
  switch (mode & kModeTypeMask) {
    case 0:
      mode |= kModeRegular;
      break;
    case kModeDirectory:
      return -EPERM;
    case kModeRegular:
    case kModeChar:
    case kModeBlock:
    case kModeFifo:
    case kModeSocket:
      break;
    default:
      return -EINVAL;
  }
  GK_ASSIGN_OR_RETURN(KString text, CopyPathFromUser(path));
  Result<RefPtr<Dentry>> made = MakeNode(at_fd, text, mode, device);
  return made.ok() ? 0 : made.error();
}

}  // namespace

int64_t SysMkdir(const SyscallArgs& args) {
  return Mkdir(kAtFdCwd, args.User(0), args.U32(1));
}

int64_t SysMkdirat(const SyscallArgs& args) {
  return Mkdir(args.Int(0), args.User(1), args.U32(2));
}

int64_t SysRmdir(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(KString path, CopyPathFromUser(args.User(0)));
  return RemoveDirectoryAt(kAtFdCwd, path);
}

int64_t SysUnlink(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(KString path, CopyPathFromUser(args.User(0)));
  return UnlinkAt(kAtFdCwd, path);
}

int64_t SysUnlinkat(const SyscallArgs& args) {
  if (args.U32(2) & ~kAtRemoveDir) return -EINVAL;
  GK_ASSIGN_OR_RETURN(KString path, CopyPathFromUser(args.User(1)));
  return (args.U32(2) & kAtRemoveDir) ? RemoveDirectoryAt(args.Int(0), path)
                                      : UnlinkAt(args.Int(0), path);
}

int64_t SysRename(const SyscallArgs& args) {
  return Rename(kAtFdCwd, args.User(0), kAtFdCwd, args.User(1), 0);
}

int64_t SysRenameat(const SyscallArgs& args) {
  return Rename(args.Int(0), args.User(1), args.Int(2), args.User(3), 0);
}

int64_t SysRenameat2(const SyscallArgs& args) {
  return Rename(args.Int(0), args.User(1), args.Int(2), args.User(3),
                args.U32(4));
}

int64_t SysLink(const SyscallArgs& args) {
  return Link(kAtFdCwd, args.User(0), kAtFdCwd, args.User(1), 0);
}

int64_t SysLinkat(const SyscallArgs& args) {
  return Link(args.Int(0), args.User(1), args.Int(2), args.User(3),
              args.U32(4));
}

int64_t SysSymlink(const SyscallArgs& args) {
  return Symlink(args.User(0), kAtFdCwd, args.User(1));
}

int64_t SysSymlinkat(const SyscallArgs& args) {
  return Symlink(args.User(0), args.Int(1), args.User(2));
}

int64_t SysMknod(const SyscallArgs& args) {
  return Mknod(kAtFdCwd, args.User(0), args.U32(1), args.U32(2));
}

int64_t SysMknodat(const SyscallArgs& args) {
  return Mknod(args.Int(0), args.User(1), args.U32(2), args.U32(3));
}

// There is one namespace and nothing to mount, whoever asks.
int64_t SysMount(const SyscallArgs&) { return -EPERM; }
int64_t SysUmount2(const SyscallArgs&) { return -EPERM; }
int64_t SysPivotRoot(const SyscallArgs&) { return -EPERM; }

}  // namespace gk
