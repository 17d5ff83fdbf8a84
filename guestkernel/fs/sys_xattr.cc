// SPDX-License-Identifier: Apache-2.0
//
// Extended attributes (xattr(7)).
#include "guestkernel/fs/permission.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/fs/xattr_map.h"
#include "guestkernel/lib/heap.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

struct Buffer {
  ~Buffer() { HeapFree(data); }
  int Allocate(size_t size) {
    data = static_cast<char*>(HeapAllocate(size ? size : 1));
    return data ? 0 : -ENOMEM;
  }
  char* data = nullptr;
};

Result<Target> ByPath(const SyscallArgs& args, uint32_t at_flags) {
  return ResolveTarget(kAtFdCwd, args.User(0), at_flags);
}

Result<Target> ByFd(const SyscallArgs& args) {
  GK_RETURN_IF_ERROR(GetFile(args.Int(0)));
  return ResolveFd(args.Int(0));
}

Result<KString> CopyName(UserAddress from) {
  Result<KString> name = CopyStringFromUser(from, kXattrNameMax + 1);
  if (!name.ok()) {
    return Error(name.error() == -ENAMETOOLONG ? -ERANGE : name.error());
  }
  if (name->empty()) return Error(-ERANGE);
  return name;
}

// May this attribute be read (want 4) or changed (2)?
int CheckName(Inode* inode, StringView name, int want) {
  if (!inode) return -EOPNOTSUPP;
  if (name.StartsWith("user.")) {
    if (inode->type() != kModeRegular && !inode->is_directory()) {
      return want == 2 ? -EPERM : -ENODATA;
    }
    return CheckAccess(inode, want);
  }
  if (name.StartsWith("trusted.")) {
    if (HasCapability(kCapSysAdmin)) return 0;
    return want == 2 ? -EPERM : -ENODATA;
  }
  if (name.StartsWith("security.")) {
    return want == 4 || HasCapability(kCapSysAdmin) ? 0 : -EPERM;
  }
  return -EOPNOTSUPP;  // access control lists
}

int64_t Set(Result<Target> target, const SyscallArgs& args) {
  GK_RETURN_IF_ERROR(target);
  int flags = args.Int(4);
  if (flags & ~(kXattrCreate | kXattrReplace)) return -EINVAL;
  GK_ASSIGN_OR_RETURN(KString name, CopyName(args.User(1)));
  size_t size = args.U64(3);
  if (size > kXattrSizeMax) return -E2BIG;
  Buffer value;
  GK_RETURN_IF_ERROR(value.Allocate(size));
  GK_RETURN_IF_ERROR(CopyFromUser(value.data, args.User(2), size));
  GK_RETURN_IF_ERROR(CheckName(target->inode(), name, 2));
  return target->inode()->SetXattr(name, value.data, size, flags);
}

int64_t Get(Result<Target> target, const SyscallArgs& args) {
  GK_RETURN_IF_ERROR(target);
  GK_ASSIGN_OR_RETURN(KString name, CopyName(args.User(1)));
  size_t size = args.U64(3);
  if (size > kXattrSizeMax) size = kXattrSizeMax;
  GK_RETURN_IF_ERROR(CheckName(target->inode(), name, 4));
  Buffer value;
  GK_RETURN_IF_ERROR(value.Allocate(size));
  int64_t n = target->inode()->GetXattr(name, value.data, size);
  if (n > 0 && size > 0) {
    GK_RETURN_IF_ERROR(
        CopyToUser(args.User(2), value.data, static_cast<size_t>(n)));
  }
  return n;
}

int64_t List(Result<Target> target, const SyscallArgs& args) {
  GK_RETURN_IF_ERROR(target);
  if (!target->inode()) return 0;
  size_t size = args.U64(2);
  if (size > kXattrListMax) size = kXattrListMax;
  Buffer list;
  GK_RETURN_IF_ERROR(list.Allocate(size));
  int64_t n = target->inode()->ListXattr(list.data, size);
  if (n > 0 && size > 0) {
    GK_RETURN_IF_ERROR(
        CopyToUser(args.User(1), list.data, static_cast<size_t>(n)));
  }
  return n;
}

int64_t Remove(Result<Target> target, const SyscallArgs& args) {
  GK_RETURN_IF_ERROR(target);
  GK_ASSIGN_OR_RETURN(KString name, CopyName(args.User(1)));
  GK_RETURN_IF_ERROR(CheckName(target->inode(), name, 2));
  return target->inode()->RemoveXattr(name);
}

}  // namespace

int64_t SysSetxattr(const SyscallArgs& args) {
  return Set(ByPath(args, 0), args);
}
int64_t SysLsetxattr(const SyscallArgs& args) {
  return Set(ByPath(args, kAtSymlinkNoFollow), args);
}
int64_t SysFsetxattr(const SyscallArgs& args) { return Set(ByFd(args), args); }

int64_t SysGetxattr(const SyscallArgs& args) {
  return Get(ByPath(args, 0), args);
}
int64_t SysLgetxattr(const SyscallArgs& args) {
  return Get(ByPath(args, kAtSymlinkNoFollow), args);
}
int64_t SysFgetxattr(const SyscallArgs& args) { return Get(ByFd(args), args); }

int64_t SysListxattr(const SyscallArgs& args) {
  return List(ByPath(args, 0), args);
}
int64_t SysLlistxattr(const SyscallArgs& args) {
  return List(ByPath(args, kAtSymlinkNoFollow), args);
}
int64_t SysFlistxattr(const SyscallArgs& args) {
  return List(ByFd(args), args);
}

int64_t SysRemovexattr(const SyscallArgs& args) {
  return Remove(ByPath(args, 0), args);
}
int64_t SysLremovexattr(const SyscallArgs& args) {
  return Remove(ByPath(args, kAtSymlinkNoFollow), args);
}
int64_t SysFremovexattr(const SyscallArgs& args) {
  return Remove(ByFd(args), args);
}

}  // namespace gk
