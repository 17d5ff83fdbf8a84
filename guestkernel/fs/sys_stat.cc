// SPDX-License-Identifier: Apache-2.0
//
// stat, statx, statfs, access, readlink.
#include <cstddef>

#include "guestkernel/fs/permission.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

// struct stat of x86-64 (arch/x86/include/uapi/asm/stat.h).
struct UserStat {
  uint64_t dev, ino, nlink;
  uint32_t mode, uid, gid, padding;
  uint64_t rdev;
  int64_t size, blksize, blocks;
  TimeSpec atime, mtime, ctime;
  int64_t unused[3];
};
static_assert(sizeof(UserStat) == 144);
static_assert(offsetof(UserStat, rdev) == 40);

// struct statx (linux/stat.h).
struct UserStatxTime {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t reserved;
};
struct UserStatx {
  uint32_t mask, blksize;
  uint64_t attributes;
  uint32_t nlink, uid, gid;
  uint16_t mode, padding;
  uint64_t ino, size, blocks, attributes_mask;
  UserStatxTime atime, btime, ctime, mtime;
  uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
  uint64_t mnt_id;
  uint64_t spare[13];
};
static_assert(sizeof(UserStatx) == 256);
static_assert(offsetof(UserStatx, rdev_major) == 128);

constexpr uint32_t kStatxBasicAndBtime = 0xfff, kStatxReserved = 0x80000000;
constexpr uint64_t kStatxAttrMountRoot = 0x2000;

// struct statfs of x86-64.
struct UserStatfs {
  int64_t type, bsize;
  uint64_t blocks, bfree, bavail, files, ffree, fsid;
  int64_t namelen, frsize, flags, spare[4];
};
static_assert(sizeof(UserStatfs) == 120);
constexpr int64_t kStatfsValid = 0x20, kStatfsRelatime = 0x1000;

int64_t WriteStat(UserAddress to, const FileAttributes& a) {
  UserStat stat = {};
  stat.dev = a.device;
  stat.ino = a.inode;
  stat.nlink = a.link_count;
  stat.mode = a.mode;
  stat.uid = a.uid;
  stat.gid = a.gid;
  stat.rdev = a.rdev;
  stat.size = static_cast<int64_t>(a.size);
  stat.blksize = a.block_size;
  stat.blocks = static_cast<int64_t>(a.blocks);
  stat.atime = a.atime;
  stat.mtime = a.mtime;
  stat.ctime = a.ctime;
  return WriteUser(to, stat);
}

int64_t StatAt(int at_fd, UserAddress path, UserAddress to, uint32_t flags) {
  if (flags & ~(kAtSymlinkNoFollow | kAtNoAutomount | kAtEmptyPath |
                kAtStatxSyncType)) {
    return -EINVAL;
  }
  GK_ASSIGN_OR_RETURN(Target target, ResolveTarget(at_fd, path, flags));
  FileAttributes attributes;
  GK_RETURN_IF_ERROR(target.GetAttributes(&attributes));
  return WriteStat(to, attributes);
}

UserStatxTime ToStatxTime(const TimeSpec& time) {
  return UserStatxTime{time.seconds, static_cast<uint32_t>(time.nanoseconds),
                       0};
}

int64_t StatfsOf(Inode* inode, UserAddress to) {
  FsStatistics s;
  if (inode) {
    GK_RETURN_IF_ERROR(inode->fs()->GetStatistics(&s));
  } else {
    s.type = 0x50495045;  // PIPEFS_MAGIC: pipes, sockets and the like
  }
  UserStatfs out = {};
  out.type = static_cast<int64_t>(s.type);
  out.bsize = out.frsize = static_cast<int64_t>(s.block_size);
  out.blocks = s.blocks;
  out.bfree = s.blocks_free;
  out.bavail = s.blocks_available;
  out.files = s.files;
  out.ffree = s.files_free;
  out.fsid = s.fsid;
  out.namelen = static_cast<int64_t>(s.name_max);
  out.flags =
      s.flags ? static_cast<int64_t>(s.flags) : kStatfsValid | kStatfsRelatime;
  return WriteUser(to, out);
}

// access(2) asks for the real user; nothing in here blocks, so the thread can
// be that user for a moment.
class RealUser {
 public:
  RealUser() : saved_(CurrentThread()->credentials) {
    Credentials& who = CurrentThread()->credentials;
    who.fsuid = who.uid;
    who.fsgid = who.gid;
    who.cap_effective = who.uid == 0 ? who.cap_permitted : 0;
  }
  ~RealUser() { CurrentThread()->credentials = saved_; }

 private:
  Credentials saved_;
};

int64_t DoAccess(int at_fd, UserAddress path, int mode, uint32_t flags) {
  GK_ASSIGN_OR_RETURN(Target target, ResolveTarget(at_fd, path, flags));
  if (!target.inode()) return 0;  // a pipe by AT_EMPTY_PATH
  return CheckAccess(target.inode(), mode);
}

int64_t AccessAt(int at_fd, UserAddress path, int mode, uint32_t flags) {
  if (mode & ~7) return -EINVAL;
  if (flags & ~(kAtEaccess | kAtSymlinkNoFollow | kAtEmptyPath)) {
    return -EINVAL;
  }
  if (flags & kAtEaccess) return DoAccess(at_fd, path, mode, flags);
  RealUser real;
  return DoAccess(at_fd, path, mode, flags);
}

int64_t ReadlinkAt(int at_fd, UserAddress path, UserAddress to, int size) {
  if (size <= 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(KString text, CopyPathFromUser(path));
  RefPtr<Dentry> link;
  GK_ASSIGN_OR_RETURN(link, LookupPath(at_fd, text, kLookupEmpty));
  if (!link->inode()->is_symlink()) return text.empty() ? -ENOENT : -EINVAL;
  GK_ASSIGN_OR_RETURN(KString target, link->inode()->ReadLink());
  size_t n = target.size();
  if (n > static_cast<size_t>(size)) n = static_cast<size_t>(size);
  GK_RETURN_IF_ERROR(CopyToUser(to, target.c_str(), n));
  return static_cast<int64_t>(n);
}

}  // namespace

int64_t SysStat(const SyscallArgs& args) {
  return StatAt(kAtFdCwd, args.User(0), args.User(1), 0);
}

int64_t SysLstat(const SyscallArgs& args) {
  return StatAt(kAtFdCwd, args.User(0), args.User(1), kAtSymlinkNoFollow);
}

int64_t SysFstat(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFileOrPath(args.Int(0)));
  FileAttributes attributes;
  GK_RETURN_IF_ERROR(file->GetAttributes(&attributes));
  return WriteStat(args.User(1), attributes);
}

int64_t SysNewfstatat(const SyscallArgs& args) {
  return StatAt(args.Int(0), args.User(1), args.User(2), args.U32(3));
}

int64_t SysStatx(const SyscallArgs& args) {
  uint32_t flags = args.U32(2);
  if (args.U32(3) & kStatxReserved) return -EINVAL;
  if ((flags & kAtStatxSyncType) == kAtStatxSyncType) return -EINVAL;
  if (flags & ~(kAtSymlinkNoFollow | kAtNoAutomount | kAtEmptyPath |
                kAtStatxSyncType)) {
    return -EINVAL;
  }
  GK_ASSIGN_OR_RETURN(Target target,
                      ResolveTarget(args.Int(0), args.User(1), flags));
  FileAttributes a;
  GK_RETURN_IF_ERROR(target.GetAttributes(&a));
  UserStatx out = {};
  out.mask = kStatxBasicAndBtime;
  if (a.btime.seconds == 0 && a.btime.nanoseconds == 0) out.mask &= ~0x800u;
  out.blksize = a.block_size;
  out.attributes_mask = kStatxAttrMountRoot;
  if (target.dentry && target.dentry->mount_point()) {
    out.attributes = kStatxAttrMountRoot;
  }
  out.nlink = a.link_count;
  out.uid = a.uid;
  out.gid = a.gid;
  out.mode = static_cast<uint16_t>(a.mode);
  out.ino = a.inode;
  out.size = a.size;
  out.blocks = a.blocks;
  out.atime = ToStatxTime(a.atime);
  out.btime = ToStatxTime(a.btime);
  out.ctime = ToStatxTime(a.ctime);
  out.mtime = ToStatxTime(a.mtime);
  out.rdev_major = DeviceMajor(a.rdev);
  out.rdev_minor = DeviceMinor(a.rdev);
  out.dev_major = DeviceMajor(a.device);
  out.dev_minor = DeviceMinor(a.device);
  return WriteUser(args.User(4), out);
}

int64_t SysStatfs(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(Target target, ResolveTarget(kAtFdCwd, args.User(0), 0));
  return StatfsOf(target.inode(), args.User(1));
}

int64_t SysFstatfs(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFileOrPath(args.Int(0)));
  return StatfsOf(file->inode(), args.User(1));
}

int64_t SysAccess(const SyscallArgs& args) {
  return AccessAt(kAtFdCwd, args.User(0), args.Int(1), 0);
}

int64_t SysFaccessat(const SyscallArgs& args) {
  return AccessAt(args.Int(0), args.User(1), args.Int(2), 0);
}

int64_t SysFaccessat2(const SyscallArgs& args) {
  return AccessAt(args.Int(0), args.User(1), args.Int(2), args.U32(3));
}

int64_t SysReadlink(const SyscallArgs& args) {
  return ReadlinkAt(kAtFdCwd, args.User(0), args.User(1), args.Int(2));
}

int64_t SysReadlinkat(const SyscallArgs& args) {
  return ReadlinkAt(args.Int(0), args.User(1), args.User(2), args.Int(3));
}

}  // namespace gk
