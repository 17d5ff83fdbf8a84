// SPDX-License-Identifier: Apache-2.0
//
// Record locks by fcntl, and flock.
#include "guestkernel/fs/sys_locks.h"

#include <cstddef>

#include "guestkernel/fs/locks.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

struct UserLock {  // struct flock
  int16_t type, whence;
  int32_t padding;
  int64_t start, length;
  int32_t pid, padding2;
};
static_assert(sizeof(UserLock) == 32);
static_assert(offsetof(UserLock, pid) == 24);

enum LockType { kReadLock = 0, kWriteLock = 1, kUnlock = 2 };

// [start, end] of the range that `lock` describes.
int ToRange(File* file, const UserLock& lock, FileLock* out) {
  int64_t base = 0;
  if (lock.whence == 1) {
    base = static_cast<int64_t>(file->position());
  } else if (lock.whence == 2) {
    FileAttributes attributes;
    GK_RETURN_IF_ERROR(file->GetAttributes(&attributes));
    base = static_cast<int64_t>(attributes.size);
  } else if (lock.whence != 0) {
    return -EINVAL;
  }
  int64_t start, end;
  if (__builtin_add_overflow(base, lock.start, &start)) return -EOVERFLOW;
  if (start < 0) return -EINVAL;
  out->start = static_cast<uint64_t>(start);
  out->end = ~uint64_t{0};
  if (lock.length == 0) return 0;
  if (__builtin_add_overflow(start, lock.length, &end)) return -EOVERFLOW;
  if (lock.length > 0) {
    out->end = static_cast<uint64_t>(end) - 1;
    return 0;
  }
  // A negative length: the bytes before start.
  if (end < 0 || start == 0) return -EINVAL;
  out->start = static_cast<uint64_t>(end);
  out->end = static_cast<uint64_t>(start) - 1;
  return 0;
}

int Describe(File* file, const UserLock& lock, bool ofd, FileLock* out) {
  GK_RETURN_IF_ERROR(ToRange(file, lock, out));
  if (ofd && lock.pid != 0) return -EINVAL;
  out->family = LockFamily::kRecord;
  out->exclusive = lock.type == kWriteLock;
  out->owner =
      ofd ? static_cast<const void*>(file) : CurrentProcess()->files.get();
  out->pid = ofd ? -1 : CurrentProcess()->pid;
  return 0;
}

}  // namespace

int64_t GetRecordLock(File* file, UserAddress user_lock, bool ofd) {
  GK_ASSIGN_OR_RETURN(UserLock lock, ReadUser<UserLock>(user_lock));
  if (lock.type != kReadLock && lock.type != kWriteLock) return -EINVAL;
  FileLock wanted;
  GK_RETURN_IF_ERROR(Describe(file, lock, ofd, &wanted));
  LockList* list = file->inode() ? file->inode()->locks : nullptr;
  FileLock* conflict = list ? list->FindConflict(wanted) : nullptr;
  if (!conflict) {
    lock.type = kUnlock;
  } else {
    lock.type = conflict->exclusive ? kWriteLock : kReadLock;
    lock.whence = 0;
    lock.start = static_cast<int64_t>(conflict->start);
    lock.length =
        conflict->end == ~uint64_t{0}
            ? 0
            : static_cast<int64_t>(conflict->end - conflict->start + 1);
    lock.pid = conflict->pid;
  }
  return WriteUser(user_lock, lock);
}

int64_t SetRecordLock(int fd, File* file, UserAddress user_lock, bool ofd,
                      bool wait) {
  GK_ASSIGN_OR_RETURN(UserLock lock, ReadUser<UserLock>(user_lock));
  FileLock wanted;
  GK_RETURN_IF_ERROR(Describe(file, lock, ofd, &wanted));
  switch (lock.type) {
    case kUnlock:
      return ReleaseLock(file, wanted);
    case kReadLock:
      if (!file->readable()) return -EBADF;
      break;
    case kWriteLock:
      if (!file->writable()) return -EBADF;
      break;
    default:
      return -EINVAL;
  }
  GK_RETURN_IF_ERROR(AcquireLock(file, wanted, wait));
  // Another thread may have closed the descriptor while this one waited; then
  // nothing would ever release the lock.
  if (wait && !ofd && CurrentProcess()->files->Get(fd).get() != file) {
    ReleaseLock(file, wanted);
    return -EBADF;
  }
  return 0;
}

int64_t SysFlock(const SyscallArgs& args) {
  enum { kShared = 1, kExclusive = 2, kNonBlocking = 4, kRelease = 8 };
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  uint32_t operation = args.U32(1) & ~kNonBlocking;
  FileLock lock;
  lock.family = LockFamily::kFlock;
  lock.owner = file.get();
  lock.end = ~uint64_t{0};
  lock.exclusive = operation == kExclusive;
  if (operation == kRelease) return ReleaseLock(file.get(), lock);
  if (operation != kShared && operation != kExclusive) return -EINVAL;
  bool wait = !(args.U32(1) & kNonBlocking);
  LockList* list = file->inode() ? file->inode()->locks : nullptr;
  if (list && list->FindConflict(lock)) {
    // Conversion is not atomic: the old lock goes first.
    GK_RETURN_IF_ERROR(ReleaseLock(file.get(), lock));
  }
  return AcquireLock(file.get(), lock, wait);
}

}  // namespace gk
