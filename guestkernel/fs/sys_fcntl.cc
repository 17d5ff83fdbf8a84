// SPDX-License-Identifier: Apache-2.0
//
// fcntl (locks: sys_locks.cc) and ioctl.
#include "guestkernel/fs/permission.h"
#include "guestkernel/fs/sys_locks.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

constexpr int kLimitNoFile = 7;  // RLIMIT_NOFILE

// linux/fcntl.h, asm-generic/fcntl.h.
enum FcntlCommand : uint32_t {
  kDupFd = 0,
  kGetFd = 1,
  kSetFd = 2,
  kGetFl = 3,
  kSetFl = 4,
  kGetLock = 5,
  kSetLock = 6,
  kSetLockWait = 7,
  kSetOwn = 8,
  kGetOwn = 9,
  kSetSig = 10,
  kGetSig = 11,
  kSetOwnEx = 15,
  kGetOwnEx = 16,
  kOfdGetLock = 36,
  kOfdSetLock = 37,
  kOfdSetLockWait = 38,
  kDupFdQuery = 1027,
  kDupFdCloexec = 1030,
  kSetPipeSize = 1031,
  kGetPipeSize = 1032,
  kAddSeals = 1033,
  kGetSeals = 1034,
};

// asm-generic/ioctls.h.
enum IoctlCommand : uint32_t {
  kFionread = 0x541b,
  kFionbio = 0x5421,
  kFionclex = 0x5450,
  kFioclex = 0x5451,
  kFioasync = 0x5452,
  kFioqsize = 0x5460,
};

struct OwnerEx {  // struct f_owner_ex
  int32_t type;   // 0 thread, 1 process, 2 process group
  int32_t pid;
};

int64_t Duplicate(RefPtr<File> file, int64_t minimum, bool close_on_exec) {
  if (minimum < 0 || static_cast<uint64_t>(minimum) >= Limit(kLimitNoFile)) {
    return -EINVAL;
  }
  return ToReturn(CurrentProcess()->files->Add(std::move(file), close_on_exec,
                                               static_cast<int>(minimum)));
}

int SetFlags(File* file, uint32_t wanted) {
  constexpr uint32_t kSettable =
      kOpenAppend | kOpenNonblock | kOpenDirect | kOpenNoAtime | kOpenAsync;
  if ((wanted & kOpenNoAtime) && !(file->flags() & kOpenNoAtime)) {
    FileAttributes attributes;
    GK_RETURN_IF_ERROR(file->GetAttributes(&attributes));
    if (!IsOwner(attributes)) return -EPERM;
  }
  file->set_flags((file->flags() & ~kSettable) | (wanted & kSettable));
  file->OnFlagsChanged();
  return 0;
}

int64_t SetOwnerEx(File* file, UserAddress from) {
  GK_ASSIGN_OR_RETURN(OwnerEx owner, ReadUser<OwnerEx>(from));
  if (owner.type < 0 || owner.type > 2) return -EINVAL;
  file->owner_pid = owner.type == 2 ? -owner.pid : owner.pid;
  return 0;
}

int64_t GetOwnerEx(File* file, UserAddress to) {
  bool group = file->owner_pid < 0;
  OwnerEx owner = {group ? 2 : 1, group ? -file->owner_pid : file->owner_pid};
  return WriteUser(to, owner);
}

bool AllowedForPath(uint32_t command) {
  return command == kDupFd || command == kDupFdCloexec || command == kGetFd ||
         command == kSetFd || command == kGetFl || command == kDupFdQuery;
}

int64_t DescriptorCommand(int fd, RefPtr<File> file, uint32_t command,
                          uint64_t argument) {
  FdTable* files = CurrentProcess()->files.get();
  switch (command) {
    case kDupFd:
    case kDupFdCloexec:
      return Duplicate(std::move(file), static_cast<int>(argument),
                       command == kDupFdCloexec);
    case kGetFd:
      return files->close_on_exec(fd);
    case kSetFd:
      return files->SetCloseOnExec(fd, argument & 1);
    default:  // kDupFdQuery: do both name the same open file?
      return file == files->Get(static_cast<int>(argument)) ? 1 : 0;
  }
}

int64_t OwnerCommand(File* file, uint32_t command, uint64_t argument) {
  switch (command) {
    case kSetOwn:
      file->owner_pid = static_cast<int>(argument);
      return 0;
    case kGetOwn:
      return file->owner_pid;
    case kSetSig:
      if (argument > kSignalCount) return -EINVAL;
      file->owner_signal = static_cast<int>(argument);
      return 0;
    case kGetSig:
      return file->owner_signal;
    case kSetOwnEx:
      return SetOwnerEx(file, UserAddress(argument));
    default:
      return GetOwnerEx(file, UserAddress(argument));
  }
}

// Bytes between the position and the end of a regular file.
int64_t BytesLeft(File* file, UserAddress to) {
  FileAttributes attributes;
  GK_RETURN_IF_ERROR(file->GetAttributes(&attributes));
  int64_t left = static_cast<int64_t>(attributes.size - file->position());
  return WriteUser(to, static_cast<int32_t>(left));
}

bool IsRegular(File* file) {
  return file->inode() && file->inode()->type() == kModeRegular;
}

int64_t SetFlagByIoctl(File* file, uint32_t flag, UserAddress from) {
  GK_ASSIGN_OR_RETURN(int32_t on, ReadUser<int32_t>(from));
  file->set_flags(on ? file->flags() | flag : file->flags() & ~flag);
  file->OnFlagsChanged();
  return 0;
}

}  // namespace

int64_t SysFcntl(const SyscallArgs& args) {
  int fd = args.Int(0);
  uint32_t command = args.U32(1);
  uint64_t argument = args.U64(2);
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFileOrPath(fd));
  if ((file->flags() & kOpenPath) && !AllowedForPath(command)) return -EBADF;
  switch (command) {
    case kDupFd:
    case kDupFdCloexec:
    case kGetFd:
    case kSetFd:
    case kDupFdQuery:
      return DescriptorCommand(fd, std::move(file), command, argument);
    case kGetFl:
      return file->flags();
    case kSetFl:
      return SetFlags(file.get(), static_cast<uint32_t>(argument));
    case kGetLock:
    case kOfdGetLock:
      return GetRecordLock(file.get(), UserAddress(argument),
                           command == kOfdGetLock);
    case kSetLock:
    case kSetLockWait:
    case kOfdSetLock:
    case kOfdSetLockWait:
      return SetRecordLock(
          fd, file.get(), UserAddress(argument), command >= kOfdGetLock,
          command == kSetLockWait || command == kOfdSetLockWait);
    case kSetOwn:
    case kGetOwn:
    case kSetSig:
    case kGetSig:
    case kSetOwnEx:
    case kGetOwnEx:
      return OwnerCommand(file.get(), command, argument);
    case kSetPipeSize:
    case kGetPipeSize:
      return file->Fcntl(command, argument);
    case kAddSeals:
      return file->AddSeals(static_cast<uint32_t>(argument));
    case kGetSeals: {
      GK_ASSIGN_OR_RETURN(uint32_t seals, file->GetSeals());
      return seals;
    }
    default:
      return -EINVAL;  // leases, directory notification, write hints
  }
}

int64_t SysIoctl(const SyscallArgs& args) {
  int fd = args.Int(0);
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(fd));
  FdTable* files = CurrentProcess()->files.get();
  switch (args.U32(1)) {
    case kFioclex:
      return files->SetCloseOnExec(fd, true);
    case kFionclex:
      return files->SetCloseOnExec(fd, false);
    case kFionbio:
      return SetFlagByIoctl(file.get(), kOpenNonblock, args.User(2));
    case kFioasync:
      return SetFlagByIoctl(file.get(), kOpenAsync, args.User(2));
    case kFionread:
      if (IsRegular(file.get())) return BytesLeft(file.get(), args.User(2));
      break;
    case kFioqsize:
      if (IsRegular(file.get())) {
        FileAttributes attributes;
        GK_RETURN_IF_ERROR(file->GetAttributes(&attributes));
        return WriteUser(args.User(2), static_cast<int64_t>(attributes.size));
      }
      break;
  }
  return file->Ioctl(args.U32(1), args.U64(2));
}

}  // namespace gk
