// SPDX-License-Identifier: Apache-2.0
//
// epoll_create(2), epoll_ctl(2), epoll_wait(2) and their kin.
#include <asm/errno.h>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/ipc/epoll.h"
#include "guestkernel/ipc/syscalls.h"
#include "guestkernel/ipc/timeout.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"

namespace gk {
namespace {

enum EpollOperation { kCtlAdd = 1, kCtlDelete = 2, kCtlModify = 3 };
constexpr int kMaxEvents = 0x7fffffff / sizeof(EpollEvent);
// Room for at least so many events; more are only there if more are watched.
constexpr size_t kBatch = 256;

Result<RefPtr<EpollFile>> GetEpoll(int fd) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(fd));
  if (file->kind() != EpollFile::Kind()) return Error(-EINVAL);
  return StaticCast<EpollFile>(file);
}

// Regular files and directories are always ready and cannot be watched.
bool CanBeWatched(const File& file) {
  const Inode* inode = file.inode();
  return !inode || (inode->type() != kModeRegular && !inode->is_directory());
}

int64_t Create(uint32_t flags) {
  if (flags & ~kOpenCloexec) return -EINVAL;
  auto file = MakeRef<EpollFile>();
  if (!file) return -ENOMEM;
  GK_ASSIGN_OR_RETURN(int fd, InstallFile(std::move(file), flags));
  return fd;
}

int64_t DoWait(int fd, UserAddress events_at, int max, Deadline deadline) {
  if (max <= 0 || max > kMaxEvents) return -EINVAL;
  GK_ASSIGN_OR_RETURN(RefPtr<EpollFile> epoll, GetEpoll(fd));
  size_t room = epoll->item_count() > kBatch ? epoll->item_count() : kBatch;
  if (room > static_cast<size_t>(max)) room = static_cast<size_t>(max);
  Vector<EpollEvent> events;
  GK_RETURN_IF_ERROR(events.Resize(room));
  int64_t count = epoll->Wait(events.data(), static_cast<int>(room), deadline);
  if (count <= 0) return count;
  GK_RETURN_IF_ERROR(
      CopyToUser(events_at, events.data(),
                 static_cast<size_t>(count) * sizeof(EpollEvent)));
  return count;
}

int64_t DoPwait(const SyscallArgs& args, Deadline deadline) {
  bool masked = !args.User(4).is_null();
  if (masked) {
    GK_ASSIGN_OR_RETURN(SignalSet mask,
                        ReadSignalSet(args.User(4), args.U64(5)));
    BeginTemporaryMask(mask);
  }
  int64_t result = DoWait(args.Int(0), args.User(1), args.Int(2), deadline);
  if (masked) EndTemporaryMask(result == -EINTR);
  return result;
}

}  // namespace

int64_t SysEpollCreate(const SyscallArgs& args) {
  return args.Int(0) > 0 ? Create(0) : -EINVAL;
}

int64_t SysEpollCreate1(const SyscallArgs& args) { return Create(args.U32(0)); }

int64_t SysEpollCtl(const SyscallArgs& args) {
  int operation = args.Int(1), fd = args.Int(2);
  EpollEvent event = {};
  if (operation != kCtlDelete) {
    GK_ASSIGN_OR_RETURN(event, ReadUser<EpollEvent>(args.User(3)));
  }
  GK_ASSIGN_OR_RETURN(RefPtr<File> self, GetFile(args.Int(0)));
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(fd));
  if (!CanBeWatched(*file)) return -EPERM;
  if (self->kind() != EpollFile::Kind() || self == file) return -EINVAL;
  auto* epoll = static_cast<EpollFile*>(self.get());
  switch (operation) {
    case kCtlAdd:
      return epoll->Add(std::move(file), fd, event);
    case kCtlModify:
      return epoll->Modify(file.get(), fd, event);
    case kCtlDelete:
      return epoll->Remove(file.get(), fd);
    default:
      return -EINVAL;
  }
}

int64_t SysEpollWait(const SyscallArgs& args) {
  return DoWait(args.Int(0), args.User(1), args.Int(2),
                DeadlineAfterMs(args.Int(3)));
}

int64_t SysEpollPwait(const SyscallArgs& args) {
  return DoPwait(args, DeadlineAfterMs(args.Int(3)));
}

int64_t SysEpollPwait2(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(Deadline deadline, DeadlineAfterSpec(args.User(3)));
  return DoPwait(args, deadline);
}

}  // namespace gk
