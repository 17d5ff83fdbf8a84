// SPDX-License-Identifier: Apache-2.0
//
// Advisory locks: POSIX record locks (owned by a descriptor table), open file
// description locks and flock locks (owned by an open file). See fcntl(2),
// flock(2). They live on the inode, in guest memory: other programs on the host
// do not see them. Under the kernel lock.
#ifndef CRVM_GUESTKERNEL_FS_LOCKS_H_
#define CRVM_GUESTKERNEL_FS_LOCKS_H_

#include <cstdint>

#include "guestkernel/fs/file.h"
#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

class FdTable;

enum class LockFamily : uint8_t { kRecord /* POSIX and OFD */, kFlock };

struct FileLock {
  ListLink link;
  LockFamily family = LockFamily::kRecord;
  bool exclusive = false;
  uint64_t start = 0, end = 0;  // inclusive; end ~0: to the end of the file
  const void* owner = nullptr;  // FdTable (POSIX) or File (OFD, flock)
  int pid = 0;                  // as F_GETLK reports it; -1: OFD

  bool Overlaps(uint64_t from, uint64_t to) const {
    return start <= to && from <= end;
  }
};

// All locks of one file.
class LockList {
 public:
  ~LockList();
  // The first lock that keeps `wanted` from being set, or null.
  FileLock* FindConflict(const FileLock& wanted);
  // Sets `wanted`, splitting and merging its owner's other locks. -ENOMEM.
  int Set(const FileLock& wanted);
  // Removes the owner's locks of that family within [start, end]. -ENOMEM (when
  // a hole has to be made).
  int Clear(LockFamily family, const void* owner, uint64_t start, uint64_t end);
  bool empty() const { return locks_.empty(); }
  WaitQueue released;  // woken when a lock has gone or shrunk

 private:
  IntrusiveList<FileLock, &FileLock::link> locks_;  // by start
};

// Sets `wanted` on the file's inode, waiting for conflicting locks to go if
// `wait`. -EAGAIN, -EDEADLK, -ENOMEM, -kErestartSys.
int AcquireLock(File* file, const FileLock& wanted, bool wait);
int ReleaseLock(File* file, const FileLock& range);

// close(2) of any descriptor of the file drops the table's POSIX locks.
void ReleasePosixLocks(const FdTable* owner, File* file);
// The last reference of the open file: OFD and flock locks.
void ReleaseLocksOfFile(File* file);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_LOCKS_H_
