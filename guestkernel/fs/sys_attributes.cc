// SPDX-License-Identifier: Apache-2.0
//
// chmod, chown, utime and their relatives.
#include "guestkernel/fs/permission.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

constexpr int64_t kUtimeNow = 0x3fffffff, kUtimeOmit = 0x3ffffffe;

int64_t Change(const Target& target, AttributeChange change) {
  FileAttributes now;
  GK_RETURN_IF_ERROR(target.GetAttributes(&now));
  GK_RETURN_IF_ERROR(CheckAttributeChange(now, &change));
  return target.SetAttributes(change);
}

int64_t ChangeMode(Result<Target> target, uint32_t mode) {
  GK_RETURN_IF_ERROR(target);
  if (target->inode() && target->inode()->is_symlink()) return -EOPNOTSUPP;
  AttributeChange change;
  change.set_mode = true;
  change.mode = mode & 07777;
  return Change(*target, change);
}

// -1: leave as it is.
int64_t ChangeOwner(Result<Target> target, uint32_t uid, uint32_t gid) {
  GK_RETURN_IF_ERROR(target);
  AttributeChange change;
  change.set_uid = uid != ~0u;
  change.set_gid = gid != ~0u;
  change.uid = uid;
  change.gid = gid;
  if (!change.set_uid && !change.set_gid) return 0;
  return Change(*target, change);
}

// What chmod, chown and ftruncate by descriptor work on: not O_PATH.
Result<Target> ResolveOpenFile(int fd) {
  GK_RETURN_IF_ERROR(GetFile(fd));
  return ResolveFd(fd);
}

// `times`: two, or null for now.
int64_t ChangeTimes(const Target& target, const TimeSpec* times) {
  AttributeChange change;
  change.set_atime = change.set_mtime = true;
  change.atime_now = change.mtime_now = true;
  if (times) {
    for (int i = 0; i < 2; ++i) {
      int64_t ns = times[i].nanoseconds;
      bool special = ns == kUtimeNow || ns == kUtimeOmit;
      if (!special && (ns < 0 || ns >= 1000000000)) return -EINVAL;
    }
    change.set_atime = times[0].nanoseconds != kUtimeOmit;
    change.set_mtime = times[1].nanoseconds != kUtimeOmit;
    change.atime_now = times[0].nanoseconds == kUtimeNow;
    change.mtime_now = times[1].nanoseconds == kUtimeNow;
    change.atime = times[0];
    change.mtime = times[1];
  }
  if (!change.set_atime && !change.set_mtime) return 0;
  FileAttributes now;
  GK_RETURN_IF_ERROR(target.GetAttributes(&now));
  if (!IsOwner(now)) {
    // "Now" is what a writer may do anyway.
    if (!change.atime_now || !change.mtime_now) return -EPERM;
    if (!target.inode()) return -EPERM;
    GK_RETURN_IF_ERROR(CheckAccess(target.inode(), 2));
  }
  return target.SetAttributes(change);
}

struct TimeVal {  // struct timeval of the ABI
  int64_t seconds, microseconds;
};

int64_t ChangeTimesByTimeVal(int at_fd, UserAddress path, UserAddress times) {
  TimeSpec specs[2];
  if (!times.is_null()) {
    TimeVal values[2];
    GK_RETURN_IF_ERROR(CopyFromUser(values, times, sizeof(values)));
    for (int i = 0; i < 2; ++i) {
      int64_t us = values[i].microseconds;
      if (us < 0 || us >= 1000000) return -EINVAL;
      specs[i] = TimeSpec{values[i].seconds, us * 1000};
    }
  }
  // futimesat(2) with a null path means the descriptor.
  Result<Target> target = path.is_null() && at_fd != kAtFdCwd
                              ? ResolveFd(at_fd)
                              : ResolveTarget(at_fd, path, 0);
  GK_RETURN_IF_ERROR(target);
  return ChangeTimes(*target, times.is_null() ? nullptr : specs);
}

}  // namespace

int64_t SysChmod(const SyscallArgs& args) {
  return ChangeMode(ResolveTarget(kAtFdCwd, args.User(0), 0), args.U32(1));
}

int64_t SysFchmod(const SyscallArgs& args) {
  return ChangeMode(ResolveOpenFile(args.Int(0)), args.U32(1));
}

int64_t SysFchmodat(const SyscallArgs& args) {
  return ChangeMode(ResolveTarget(args.Int(0), args.User(1), 0), args.U32(2));
}

int64_t SysFchmodat2(const SyscallArgs& args) {
  uint32_t flags = args.U32(3);
  if (flags & ~(kAtSymlinkNoFollow | kAtEmptyPath)) return -EINVAL;
  return ChangeMode(ResolveTarget(args.Int(0), args.User(1), flags),
                    args.U32(2));
}

int64_t SysChown(const SyscallArgs& args) {
  return ChangeOwner(ResolveTarget(kAtFdCwd, args.User(0), 0), args.U32(1),
                     args.U32(2));
}

int64_t SysLchown(const SyscallArgs& args) {
  return ChangeOwner(ResolveTarget(kAtFdCwd, args.User(0), kAtSymlinkNoFollow),
                     args.U32(1), args.U32(2));
}

int64_t SysFchown(const SyscallArgs& args) {
  return ChangeOwner(ResolveOpenFile(args.Int(0)), args.U32(1), args.U32(2));
}

int64_t SysFchownat(const SyscallArgs& args) {
  uint32_t flags = args.U32(4);
  if (flags & ~(kAtSymlinkNoFollow | kAtEmptyPath)) return -EINVAL;
  return ChangeOwner(ResolveTarget(args.Int(0), args.User(1), flags),
                     args.U32(2), args.U32(3));
}

int64_t SysUtime(const SyscallArgs& args) {
  TimeSpec specs[2];
  UserAddress times = args.User(1);
  if (!times.is_null()) {
    int64_t seconds[2];  // struct utimbuf
    GK_RETURN_IF_ERROR(CopyFromUser(seconds, times, sizeof(seconds)));
    specs[0] = TimeSpec{seconds[0], 0};
    specs[1] = TimeSpec{seconds[1], 0};
  }
  GK_ASSIGN_OR_RETURN(Target target, ResolveTarget(kAtFdCwd, args.User(0), 0));
  return ChangeTimes(target, times.is_null() ? nullptr : specs);
}

int64_t SysUtimes(const SyscallArgs& args) {
  return ChangeTimesByTimeVal(kAtFdCwd, args.User(0), args.User(1));
}

int64_t SysFutimesat(const SyscallArgs& args) {
  return ChangeTimesByTimeVal(args.Int(0), args.User(1), args.User(2));
}

int64_t SysUtimensat(const SyscallArgs& args) {
  UserAddress path = args.User(1), times = args.User(2);
  uint32_t flags = args.U32(3);
  TimeSpec specs[2];
  if (!times.is_null()) {
    GK_RETURN_IF_ERROR(CopyFromUser(specs, times, sizeof(specs)));
    if (specs[0].nanoseconds == kUtimeOmit &&
        specs[1].nanoseconds == kUtimeOmit) {
      return 0;
    }
  }
  if (flags & ~(kAtSymlinkNoFollow | kAtEmptyPath)) return -EINVAL;
  bool by_descriptor = path.is_null() && args.Int(0) != kAtFdCwd;
  if (by_descriptor && flags) return -EINVAL;
  Result<Target> target = by_descriptor
                              ? ResolveOpenFile(args.Int(0))
                              : ResolveTarget(args.Int(0), path, flags);
  GK_RETURN_IF_ERROR(target);
  return ChangeTimes(*target, times.is_null() ? nullptr : specs);
}

}  // namespace gk
