// SPDX-License-Identifier: Apache-2.0
//
// Record locks and flock, with several processes.
#include "guestkernel/fs/locks.h"

#include "guestkernel/fs/fs_context.h"
#include "guestkernel/fs/testing/fs_test.h"

namespace gk {
namespace {

struct UserLock {
  int16_t type, whence;
  int32_t padding;
  int64_t start, length;
  int32_t pid, padding2;
};
enum { kRead, kWrite, kUnlock };
enum { kGetLock = 5, kSetLock = 6, kSetLockWait = 7 };
enum { kOfdGetLock = 36, kOfdSetLock = 37, kOfdSetLockWait = 38 };

class LocksTest : public FsTest {
 protected:
  LocksTest() {
    MakeFile("/f", "0123456789");
    fd_ = Open("/f", kOpenReadWrite);
    other_ = NewChild();
    other_->files = process()->files->Clone().take();
    other_->fs = process()->fs;
  }
  ~LocksTest() override {
    other_->files.reset();
    other_->fs.reset();
  }
  static int64_t Lock(int fd, int command, int type, int64_t start,
                      int64_t length) {
    UserLock lock = {static_cast<int16_t>(type), 0, 0, start, length, 0, 0};
    return Call(SysFcntl, fd, command, &lock);
  }
  // In a thread of the other process.
  Thread* InOther(std::function<void()> body) {
    return Spawn(std::move(body), other_);
  }
  int64_t LockInOther(int fd, int command, int type, int64_t start,
                      int64_t length) {
    int64_t result = 0;
    Join(InOther([&] { result = Lock(fd, command, type, start, length); }));
    return result;
  }

  int fd_;
  Process* other_;
};

TEST_F(LocksTest, ConflictsAndRanges) {
  EXPECT_EQ(Lock(fd_, kSetLock, kWrite, 2, 4), 0);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kRead, 5, 1), -EAGAIN);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 0, 2), 0);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 6, 0), 0);
  // The middle is given back.
  EXPECT_EQ(Lock(fd_, kSetLock, kUnlock, 3, 2), 0);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 3, 2), 0);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 2, 1), -EAGAIN);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 5, 1), -EAGAIN);
  // Downgrade.
  EXPECT_EQ(Lock(fd_, kSetLock, kRead, 2, 1), 0);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kRead, 2, 1), 0);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 2, 1), -EAGAIN);
}

TEST_F(LocksTest, GetLock) {
  UserLock lock = {kWrite, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(Call(SysFcntl, fd_, int{kGetLock}, &lock), 0);
  EXPECT_EQ(lock.type, kUnlock);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 4, 3), 0);
  lock = {kRead, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(Call(SysFcntl, fd_, int{kGetLock}, &lock), 0);
  EXPECT_EQ(lock.type, kWrite);
  EXPECT_EQ(lock.start, 4);
  EXPECT_EQ(lock.length, 3);
  EXPECT_EQ(lock.pid, other_->pid);
}

TEST_F(LocksTest, Arguments) {
  EXPECT_EQ(Lock(fd_, kSetLock, 7, 0, 0), -EINVAL);
  EXPECT_EQ(Lock(fd_, kSetLock, kRead, -1, 0), -EINVAL);
  EXPECT_EQ(Lock(fd_, kSetLock, kRead, 5, -6), -EINVAL);
  EXPECT_EQ(Lock(fd_, kSetLock, kRead, 5, -5), 0);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 5, 0), 0);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 4, 1), -EAGAIN);
  UserLock from_end = {kRead, 2, 0, -1, 1, 0, 0};
  EXPECT_EQ(Call(SysFcntl, fd_, int{kSetLock}, &from_end), -EAGAIN);
  int read_only = Open("/f", kOpenReadOnly);
  EXPECT_EQ(Lock(read_only, kSetLock, kWrite, 0, 1), -EBADF);
}

TEST_F(LocksTest, ClosingAnyDescriptorReleases) {
  int second = Open("/f", kOpenReadOnly);
  EXPECT_EQ(Lock(fd_, kSetLock, kWrite, 0, 0), 0);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 0, 0), -EAGAIN);
  Close(second);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 0, 0), 0);
}

TEST_F(LocksTest, Waiting) {
  EXPECT_EQ(Lock(fd_, kSetLock, kWrite, 0, 0), 0);
  int64_t result = 1;
  Thread* waiter =
      InOther([&] { result = Lock(fd_, kSetLockWait, kWrite, 0, 0); });
  RunOthers();
  EXPECT_EQ(result, 1);
  EXPECT_EQ(Lock(fd_, kSetLock, kUnlock, 0, 0), 0);
  Join(waiter);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(Lock(fd_, kSetLock, kRead, 0, 1), -EAGAIN);
}

TEST_F(LocksTest, Deadlock) {
  EXPECT_EQ(Lock(fd_, kSetLock, kWrite, 0, 1), 0);
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 1, 1), 0);
  int64_t result = 1;
  Thread* waiter =
      InOther([&] { result = Lock(fd_, kSetLockWait, kWrite, 0, 1); });
  RunOthers();
  EXPECT_EQ(Lock(fd_, kSetLockWait, kWrite, 1, 1), -EDEADLK);
  EXPECT_EQ(Lock(fd_, kSetLock, kUnlock, 0, 1), 0);
  Join(waiter);
  EXPECT_EQ(result, 0);
}

TEST_F(LocksTest, OpenFileDescriptionLocks) {
  int second = Open("/f", kOpenReadWrite);
  int copy = static_cast<int>(Call(SysDup, fd_));
  EXPECT_EQ(Lock(fd_, kOfdSetLock, kWrite, 0, 0), 0);
  EXPECT_EQ(Lock(copy, kOfdSetLock, kWrite, 0, 0), 0);  // the same one
  EXPECT_EQ(Lock(second, kOfdSetLock, kRead, 0, 0), -EAGAIN);
  EXPECT_EQ(Lock(second, kSetLock, kRead, 0, 0), -EAGAIN);
  UserLock lock = {kRead, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(Call(SysFcntl, second, int{kOfdGetLock}, &lock), 0);
  EXPECT_EQ(lock.pid, -1);
  lock.pid = 1;
  EXPECT_EQ(Call(SysFcntl, second, int{kOfdSetLock}, &lock), -EINVAL);
  // They go with the last descriptor.
  other_->files->Close(fd_);
  Close(fd_);
  EXPECT_EQ(Lock(second, kOfdSetLock, kRead, 0, 0), -EAGAIN);
  Close(copy);
  EXPECT_EQ(Lock(second, kOfdSetLock, kRead, 0, 0), 0);
}

TEST_F(LocksTest, Flock) {
  enum { kShared = 1, kExclusive = 2, kNonBlocking = 4, kRelease = 8 };
  int second = Open("/f", kOpenReadOnly);
  EXPECT_EQ(Call(SysFlock, fd_, int{kShared}), 0);
  EXPECT_EQ(Call(SysFlock, second, int{kShared}), 0);
  EXPECT_EQ(Call(SysFlock, second, kExclusive | kNonBlocking), -EAGAIN);
  // The failed conversion has lost the shared lock.
  EXPECT_EQ(Call(SysFlock, fd_, kExclusive | kNonBlocking), 0);
  EXPECT_EQ(Call(SysFlock, second, kShared | kNonBlocking), -EAGAIN);
  // Record locks are another matter.
  EXPECT_EQ(LockInOther(fd_, kSetLock, kWrite, 0, 0), 0);
  int64_t result = 1;
  Thread* waiter = InOther([&] {
    result = Call(SysFlock, Open("/f", kOpenReadOnly), int{kExclusive});
  });
  RunOthers();
  EXPECT_EQ(result, 1);
  EXPECT_EQ(Call(SysFlock, fd_, int{kRelease}), 0);
  Join(waiter);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(Call(SysFlock, fd_, 0), -EINVAL);
}

}  // namespace
}  // namespace gk
