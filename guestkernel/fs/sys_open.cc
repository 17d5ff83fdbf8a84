// SPDX-License-Identifier: Apache-2.0
//
// open, close, dup and their relatives.
#include "guestkernel/fs/open.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

// open(2) ignores flags that it does not know; openat2(2) does not.
constexpr uint32_t kKnownOpenFlags =
    kOpenAccessMask | kOpenCreate | kOpenExclusive | kOpenNoCtty |
    kOpenTruncate | kOpenAppend | kOpenNonblock | kOpenSync | kOpenAsync |
    kOpenDirect | kOpenLargeFile | kOpenDirectory | kOpenNoFollow |
    kOpenNoAtime | kOpenCloexec | kOpenPath | kOpenTmpfile;

int64_t OpenAndInstall(int at_fd, UserAddress path, const OpenHow& how) {
  GK_ASSIGN_OR_RETURN(KString text, CopyPathFromUser(path));
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, OpenPathHow(at_fd, text, how));
  return ToReturn(InstallFile(std::move(file), how.flags));
}

int64_t Open(int at_fd, UserAddress path, uint32_t flags, uint32_t mode) {
  return OpenAndInstall(at_fd, path,
                        OpenHow{flags & kKnownOpenFlags, mode & 07777, 0});
}

// struct open_how of the ABI.
struct UserOpenHow {
  uint64_t flags, mode, resolve;
};
static_assert(sizeof(UserOpenHow) == 24);

Result<UserOpenHow> CopyOpenHow(UserAddress from, size_t size) {
  UserOpenHow how = {};
  if (size < sizeof(how)) return Error(-EINVAL);
  if (size > 4096) return Error(-E2BIG);
  GK_RETURN_IF_ERROR(CopyFromUser(&how, from, sizeof(how)));
  // A longer struct is fine when what we do not know is zero.
  for (size_t at = sizeof(how); at < size; ++at) {
    GK_ASSIGN_OR_RETURN(uint8_t byte, ReadUser<uint8_t>(from + at));
    if (byte != 0) return Error(-E2BIG);
  }
  return how;
}

int CheckOpenHow(const UserOpenHow& how) {
  if (how.flags & ~uint64_t{kKnownOpenFlags}) return -EINVAL;
  if (how.resolve & ~uint64_t{0x3f}) return -EINVAL;
  if ((how.resolve & kResolveBeneath) && (how.resolve & kResolveInRoot)) {
    return -EINVAL;
  }
  bool creates = (how.flags & kOpenCreate) ||
                 (how.flags & kOpenTmpfile & ~uint64_t{kOpenDirectory});
  if (creates ? (how.mode & ~uint64_t{07777}) : how.mode) return -EINVAL;
  if ((how.flags & kOpenPath) &&
      (how.flags &
       ~uint64_t{kOpenPath | kOpenDirectory | kOpenNoFollow | kOpenCloexec})) {
    return -EINVAL;
  }
  if ((how.resolve & kResolveCached) &&
      (how.flags & (kOpenCreate | kOpenTruncate | kOpenTmpfile) &
       ~uint64_t{kOpenDirectory})) {
    return -EAGAIN;
  }
  return 0;
}

int64_t DupTo(int old_fd, int new_fd, uint32_t flags) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFileOrPath(old_fd));
  int error = CurrentProcess()->files->Set(new_fd, std::move(file),
                                           flags & kOpenCloexec);
  return error < 0 ? error : new_fd;
}

}  // namespace

int64_t SysOpen(const SyscallArgs& args) {
  return Open(kAtFdCwd, args.User(0), args.U32(1), args.U32(2));
}

int64_t SysOpenat(const SyscallArgs& args) {
  return Open(args.Int(0), args.User(1), args.U32(2), args.U32(3));
}

int64_t SysCreat(const SyscallArgs& args) {
  return Open(kAtFdCwd, args.User(0),
              kOpenCreate | kOpenWriteOnly | kOpenTruncate, args.U32(1));
}

int64_t SysOpenat2(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(UserOpenHow how, CopyOpenHow(args.User(2), args.U64(3)));
  GK_RETURN_IF_ERROR(CheckOpenHow(how));
  return OpenAndInstall(
      args.Int(0), args.User(1),
      OpenHow{static_cast<uint32_t>(how.flags), static_cast<uint32_t>(how.mode),
              static_cast<uint32_t>(how.resolve)});
}

int64_t SysClose(const SyscallArgs& args) {
  int error = CurrentProcess()->files->Close(args.Int(0));
  // The descriptor is gone: the call must not run again.
  bool restart = error == -kErestartSys || error == -kErestartNoHand ||
                 error == -kErestartNoIntr || error == -kErestartRestartBlock;
  return restart ? -EINTR : error;
}

int64_t SysCloseRange(const SyscallArgs& args) {
  enum { kUnshare = 2, kCloexec = 4 };
  uint32_t first = args.U32(0), last = args.U32(1), flags = args.U32(2);
  if ((flags & ~(kUnshare | kCloexec)) || first > last) return -EINVAL;
  Process* process = CurrentProcess();
  if ((flags & kUnshare) && process->files->ref_count() > 1) {
    GK_ASSIGN_OR_RETURN(process->files, process->files->Clone());
  }
  FdTable* files = process->files.get();
  for (uint32_t fd = first;
       fd <= last && fd < static_cast<uint32_t>(files->max_fd()); ++fd) {
    if (!files->Get(fd)) continue;
    if (flags & kCloexec) {
      files->SetCloseOnExec(fd, true);
    } else {
      files->Close(fd);
    }
  }
  return 0;
}

int64_t SysDup(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFileOrPath(args.Int(0)));
  return ToReturn(InstallFile(std::move(file), 0));
}

int64_t SysDup2(const SyscallArgs& args) {
  if (args.Int(0) == args.Int(1)) {
    GK_RETURN_IF_ERROR(GetFileOrPath(args.Int(0)));
    return args.Int(0);
  }
  return DupTo(args.Int(0), args.Int(1), 0);
}

int64_t SysDup3(const SyscallArgs& args) {
  if (args.U32(2) & ~kOpenCloexec) return -EINVAL;
  if (args.Int(0) == args.Int(1)) return -EINVAL;
  return DupTo(args.Int(0), args.Int(1), args.U32(2));
}

}  // namespace gk
