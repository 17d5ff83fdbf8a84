// SPDX-License-Identifier: Apache-2.0
//
// Advisory file locks, see fs/locks.h.
#include "guestkernel/fs/locks.h"

#include "guestkernel/fs/inode.h"

namespace gk {

namespace {

// Who waits for whom, for deadlock detection: one entry, on its stack, for each
// thread that is blocked on a POSIX lock.
struct LockWait {
  const void* owner;
  const void* blocked_on;
  LockWait* next;
};
LockWait* g_waits = nullptr;

const void* BlockedOn(const void* owner) {
  for (LockWait* w = g_waits; w; w = w->next) {
    if (w->owner == owner) return w->blocked_on;
  }
  return nullptr;
}

// Would `owner`, waiting for `holder`, wait for itself?
bool WouldDeadlock(const void* owner, const void* holder) {
  for (int steps = 0; holder && steps < 64; ++steps) {
    if (holder == owner) return true;
    holder = BlockedOn(holder);
  }
  return false;
}

bool IsPosix(const FileLock& lock) {
  return lock.family == LockFamily::kRecord && lock.pid >= 0;
}

LockList* ListOf(File* file, bool create) {
  Inode* inode = file->inode();
  if (!inode) return nullptr;
  if (!inode->locks && create) inode->locks = new (std::nothrow) LockList;
  return inode->locks;
}

}  // namespace

LockList::~LockList() {
  while (FileLock* lock = locks_.PopFront()) delete lock;
}

FileLock* LockList::FindConflict(const FileLock& wanted) {
  for (FileLock& lock : locks_) {
    if (lock.family == wanted.family && lock.owner != wanted.owner &&
        (lock.exclusive || wanted.exclusive) &&
        lock.Overlaps(wanted.start, wanted.end)) {
      return &lock;
    }
  }
  return nullptr;
}

int LockList::Clear(LockFamily family, const void* owner, uint64_t start,
                    uint64_t end) {
  // At most one lock has to be cut in two.
  UniquePtr<FileLock> spare;
  for (FileLock& lock : locks_) {
    if (lock.family == family && lock.owner == owner && lock.start < start &&
        lock.end > end) {
      spare = MakeUnique<FileLock>();
      if (!spare) return -ENOMEM;
    }
  }
  bool changed = false;
  for (FileLock& lock : locks_) {
    if (lock.family != family || lock.owner != owner ||
        !lock.Overlaps(start, end)) {
      continue;
    }
    changed = true;
    if (lock.start < start && lock.end > end) {
      FileLock* rest = spare.release();
      rest->family = family;
      rest->exclusive = lock.exclusive;
      rest->owner = owner;
      rest->pid = lock.pid;
      rest->start = end + 1;
      rest->end = lock.end;
      lock.end = start - 1;
      locks_.PushBack(rest);
      break;
    }
    if (lock.start < start) {
      lock.end = start - 1;
    } else if (lock.end > end) {
      lock.start = end + 1;
    } else {
      lock.link.Unlink();
      delete &lock;
    }
  }
  if (changed) released.WakeAll();
  return 0;
}

int LockList::Set(const FileLock& wanted) {
  auto lock = MakeUnique<FileLock>();
  if (!lock) return -ENOMEM;
  GK_RETURN_IF_ERROR(
      Clear(wanted.family, wanted.owner, wanted.start, wanted.end));
  lock->family = wanted.family;
  lock->exclusive = wanted.exclusive;
  lock->owner = wanted.owner;
  lock->pid = wanted.pid;
  lock->start = wanted.start;
  lock->end = wanted.end;
  // Neighbours of the same kind become one.
  for (FileLock& other : locks_) {
    if (other.family != lock->family || other.owner != lock->owner ||
        other.exclusive != lock->exclusive) {
      continue;
    }
    bool before = lock->start > 0 && other.end == lock->start - 1;
    bool after = lock->end != ~uint64_t{0} && other.start == lock->end + 1;
    if (!before && !after) continue;
    if (before) lock->start = other.start;
    if (after) lock->end = other.end;
    other.link.Unlink();
    delete &other;
  }
  locks_.PushBack(lock.release());
  return 0;
}

int AcquireLock(File* file, const FileLock& wanted, bool wait) {
  LockList* list = ListOf(file, /*create=*/true);
  if (!list) return file->inode() ? -ENOLCK : -EINVAL;
  if (!wait) {
    return list->FindConflict(wanted) ? -EAGAIN : list->Set(wanted);
  }
  LockWait self{wanted.owner, nullptr, g_waits};
  g_waits = &self;
  int result = 0;
  int error = WaitUntil(list->released, [&] {
    FileLock* conflict = list->FindConflict(wanted);
    if (!conflict) {
      self.blocked_on = nullptr;
      result = list->Set(wanted);
      return true;
    }
    self.blocked_on = nullptr;
    if (IsPosix(wanted) && WouldDeadlock(wanted.owner, conflict->owner)) {
      result = -EDEADLK;
      return true;
    }
    self.blocked_on = IsPosix(wanted) ? conflict->owner : nullptr;
    return false;
  });
  LockWait** at = &g_waits;
  while (*at != &self) at = &(*at)->next;
  *at = self.next;
  return error ? error : result;
}

int ReleaseLock(File* file, const FileLock& range) {
  LockList* list = ListOf(file, /*create=*/false);
  if (!list) return 0;
  return list->Clear(range.family, range.owner, range.start, range.end);
}

void ReleasePosixLocks(const FdTable* owner, File* file) {
  LockList* list = ListOf(file, /*create=*/false);
  if (!list || list->empty()) return;
  // The whole range: nothing has to be cut, so this cannot fail.
  list->Clear(LockFamily::kRecord, owner, 0, ~uint64_t{0});
}

void ReleaseLocksOfFile(File* file) {
  LockList* list = ListOf(file, /*create=*/false);
  if (!list || list->empty()) return;
  list->Clear(LockFamily::kRecord, file, 0, ~uint64_t{0});
  list->Clear(LockFamily::kFlock, file, 0, ~uint64_t{0});
}

}  // namespace gk
