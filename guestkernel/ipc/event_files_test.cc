// SPDX-License-Identifier: Apache-2.0
//
// eventfd, timerfd and signalfd.
#include "guestkernel/fs/fd_table.h"
#include "guestkernel/fs/testing/fs_test.h"
#include "guestkernel/ipc/syscalls.h"
#include "guestkernel/sched/signal.h"

namespace gk {
namespace {

constexpr uint64_t kMs = 1000000;
constexpr int kSigUsr1 = 10, kSigUsr2 = 12;
const char* const kNull = nullptr;

class EventFilesTest : public FsTest {
 protected:
  // The 8 bytes that these files give, or an errno.
  static int64_t Read(int fd) {
    uint64_t value;
    int64_t n = Call(SysRead, fd, &value, sizeof(value));
    return n == 8 ? static_cast<int64_t>(value) : n;
  }
  static int64_t Write(int fd, uint64_t value) {
    return Call(SysWrite, fd, &value, sizeof(value));
  }
  uint32_t Events(int fd) {
    return process()->files->Get(fd)->Poll(nullptr) & (kPollIn | kPollOut);
  }
};

// ---- eventfd

TEST_F(EventFilesTest, EventCounts) {
  int fd = Call(SysEventfd2, 3, uint32_t{kOpenNonblock});
  EXPECT_EQ(Events(fd), kPollIn | kPollOut);
  EXPECT_EQ(Write(fd, 4), 8);
  EXPECT_EQ(Read(fd), 7);
  EXPECT_EQ(Read(fd), -EAGAIN);
  EXPECT_EQ(Events(fd), kPollOut);
  EXPECT_EQ(Write(fd, ~uint64_t{0}), -EINVAL);
  EXPECT_EQ(Write(fd, ~uint64_t{0} - 1), 8);
  EXPECT_EQ(Events(fd), kPollIn);
  EXPECT_EQ(Write(fd, 1), -EAGAIN);
  EXPECT_EQ(Write(fd, 0), 8);
  EXPECT_EQ(WriteText(fd, "short"), -EINVAL);
  EXPECT_EQ(ReadText(fd, 7), "error -22");
  EXPECT_EQ(Call(SysEventfd2, 0, 2), -EINVAL);
}

TEST_F(EventFilesTest, Semaphore) {
  int fd = Call(SysEventfd2, 2, uint32_t{kOpenNonblock} | 1);
  EXPECT_EQ(Read(fd), 1);
  EXPECT_EQ(Read(fd), 1);
  EXPECT_EQ(Read(fd), -EAGAIN);
}

TEST_F(EventFilesTest, EventReaderAndWriterWait) {
  int fd = Call(SysEventfd, 0);
  int64_t got = 0;
  Thread* reader = Spawn([&] { got = Read(fd); }, process());
  RunOthers();
  EXPECT_EQ(reader->state, ThreadState::kBlocked);
  EXPECT_EQ(Write(fd, 5), 8);
  Join(reader);
  EXPECT_EQ(got, 5);
  EXPECT_EQ(Write(fd, ~uint64_t{0} - 1), 8);
  Thread* writer = Spawn([&] { EXPECT_EQ(Write(fd, 9), 8); }, process());
  RunOthers();
  EXPECT_EQ(writer->state, ThreadState::kBlocked);
  EXPECT_EQ(Read(fd), -2);
  Join(writer);
  EXPECT_EQ(Read(fd), 9);
}

// ---- timerfd

struct Spec {
  int64_t interval_s, interval_ns, value_s, value_ns;
};

int64_t ArmTimer(int fd, Spec spec, uint32_t flags = 0) {
  SyscallArgs args = {
      {static_cast<uint64_t>(fd), flags, reinterpret_cast<uint64_t>(&spec), 0},
      nullptr};
  return SysTimerfdSettime(args);
}

TEST_F(EventFilesTest, TimerExpires) {
  int fd = Call(SysTimerfdCreate, 1, uint32_t{kOpenNonblock});
  EXPECT_EQ(Read(fd), -EAGAIN);
  EXPECT_EQ(ArmTimer(fd, {0, 0, 0, 50 * kMs}), 0);
  Spec now;
  EXPECT_EQ(Call(SysTimerfdGettime, fd, &now), 0);
  EXPECT_EQ(now.value_ns, int64_t{50 * kMs});
  EXPECT_EQ(Events(fd), 0u);
  process()->files->Get(fd)->set_flags(kOpenReadWrite);
  uint64_t start = MonotonicNs();
  EXPECT_EQ(Read(fd), 1);  // waits
  EXPECT_EQ(MonotonicNs() - start, 50 * kMs);
  EXPECT_EQ(Call(SysTimerfdGettime, fd, &now), 0);
  EXPECT_EQ(now.value_ns, 0);
  EXPECT_EQ(Write(fd, 1), -EINVAL);
}

TEST_F(EventFilesTest, TimerRepeats) {
  int fd = Call(SysTimerfdCreate, 1, 0);
  EXPECT_EQ(ArmTimer(fd, {0, 10 * kMs, 0, 30 * kMs}), 0);
  uint64_t start = MonotonicNs();
  EXPECT_EQ(Read(fd), 1);
  EXPECT_EQ(Read(fd), 1);
  EXPECT_EQ(MonotonicNs() - start, 40 * kMs);
  hosted::AdvanceClock(35 * kMs);
  int64_t count = Read(fd);  // the three that were missed, or one at once
  EXPECT_GE(count, 3);
  EXPECT_LE(count, 4);
}

TEST_F(EventFilesTest, TimerAbsolute) {
  int fd = Call(SysTimerfdCreate, 1, 0);
  uint64_t at = MonotonicNs() + 20 * kMs;
  Spec spec = {0, 0, static_cast<int64_t>(at / 1000000000),
               static_cast<int64_t>(at % 1000000000)};
  EXPECT_EQ(ArmTimer(fd, spec, 1), 0);
  EXPECT_EQ(Read(fd), 1);
  EXPECT_EQ(MonotonicNs(), at);
  EXPECT_EQ(ArmTimer(fd, spec, 1), 0);  // past: at once
  EXPECT_EQ(Read(fd), 1);
  EXPECT_EQ(MonotonicNs(), at);
}

TEST_F(EventFilesTest, TimerArguments) {
  EXPECT_EQ(Call(SysTimerfdCreate, 5, 0), -EINVAL);
  EXPECT_EQ(Call(SysTimerfdCreate, 1, 1), -EINVAL);
  int fd = Call(SysTimerfdCreate, 1, uint32_t{kOpenNonblock});
  EXPECT_EQ(ArmTimer(fd, {0, 0, 0, 1000000000}), -EINVAL);
  EXPECT_EQ(ArmTimer(fd, {0, 0, -1, 0}), -EINVAL);
  EXPECT_EQ(ArmTimer(fd, {0, 0, 1, 0}, 4), -EINVAL);
  EXPECT_EQ(ArmTimer(Call(SysEventfd, 0), {0, 0, 1, 0}), -EINVAL);
}

// Far beyond what 64 bits of nanoseconds count: never, not at once.
TEST_F(EventFilesTest, TimerFarAway) {
  int fd = Call(SysTimerfdCreate, 1, 0);
  EXPECT_EQ(ArmTimer(fd, {INT64_MAX, 0, INT64_MAX, 0}), 0);
  Spec now;
  EXPECT_EQ(Call(SysTimerfdGettime, fd, &now), 0);
  EXPECT_GT(now.value_s, 1 << 30);
  EXPECT_EQ(ArmTimer(fd, {INT64_MAX, 0, 0, 1}), 0);
  EXPECT_EQ(Read(fd), 1);
  EXPECT_EQ(Events(fd), 0u);
  EXPECT_EQ(Call(SysTimerfdGettime, fd, &now), 0);
  EXPECT_GT(now.value_s, 1 << 30);
}

// ---- signalfd

class SignalFdTest : public EventFilesTest {
 protected:
  SignalFdTest() {
    SignalSet set = Mask();
    SetBlockedSignals(set);
    fd_ = Call(SysSignalfd4, -1, &set.bits, 8, uint32_t{kOpenNonblock});
    EXPECT_GE(fd_, 0);
  }
  static SignalSet Mask() {
    SignalSet set;
    set.Add(kSigUsr1);
    return set;
  }
  static void Raise(int signo) {
    SigInfo info = UserSigInfo(signo, 0);
    SendSignalToThread(CurrentThread(), signo, &info);
  }
  int fd_;
};

TEST_F(SignalFdTest, GivesSignals) {
  uint32_t info[64];  // two struct signalfd_siginfo
  EXPECT_EQ(Call(SysRead, fd_, info, sizeof(info)), -EAGAIN);
  EXPECT_EQ(Events(fd_), 0u);
  Raise(kSigUsr1);
  EXPECT_EQ(Events(fd_), kPollIn);
  EXPECT_EQ(Call(SysRead, fd_, info, 127), -EINVAL);
  EXPECT_EQ(Call(SysRead, fd_, info, sizeof(info)), 128);
  EXPECT_EQ(info[0], uint32_t{kSigUsr1});
  EXPECT_EQ(info[3], static_cast<uint32_t>(process()->pid));
  EXPECT_EQ(Call(SysRead, fd_, info, sizeof(info)), -EAGAIN);
  EXPECT_EQ(WriteText(fd_, "x"), -EINVAL);
}

TEST_F(SignalFdTest, ReaderWaits) {
  process()->files->Get(fd_)->set_flags(kOpenReadWrite);
  uint32_t info[32] = {};
  Thread* reader = Spawn(
      [&] {
        SetBlockedSignals(Mask());
        EXPECT_EQ(Call(SysRead, fd_, info, sizeof(info)), 128);
      },
      process());
  RunOthers();
  EXPECT_EQ(reader->state, ThreadState::kBlocked);
  SigInfo sent = UserSigInfo(kSigUsr1, 0);
  SendSignalToThread(reader, kSigUsr1, &sent);
  Join(reader);
  EXPECT_EQ(info[0], uint32_t{kSigUsr1});
}

TEST_F(SignalFdTest, MaskCanBeReplaced) {
  SignalSet both = Mask();
  both.Add(kSigUsr2);
  SetBlockedSignals(both);
  Raise(kSigUsr2);
  EXPECT_EQ(Events(fd_), 0u);
  EXPECT_EQ(Call(SysSignalfd4, fd_, &both.bits, 8, 0), fd_);
  EXPECT_EQ(Events(fd_), kPollIn);
  uint32_t info[32];
  EXPECT_EQ(Call(SysRead, fd_, info, sizeof(info)), 128);
  EXPECT_EQ(info[0], uint32_t{kSigUsr2});
  int other = Call(SysEventfd, 0);
  EXPECT_EQ(Call(SysSignalfd4, other, &both.bits, 8, 0), -EINVAL);
  EXPECT_EQ(Call(SysSignalfd4, -1, &both.bits, 7, 0), -EINVAL);
  EXPECT_EQ(Call(SysSignalfd4, -1, kNull, 8, 0), -EFAULT);
}

}  // namespace
}  // namespace gk
