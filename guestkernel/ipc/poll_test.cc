// SPDX-License-Identifier: Apache-2.0
//
// PollSet, poll and select.
#include "guestkernel/fs/fd_table.h"
#include "guestkernel/fs/testing/fs_test.h"
#include "guestkernel/ipc/poll_set.h"
#include "guestkernel/ipc/syscalls.h"

namespace gk {
namespace {

constexpr uint64_t kMs = 1000000;
const char* const kNull = nullptr;

struct PollFd {
  int32_t fd;
  int16_t events, revents;
};

class PollTest : public FsTest {
 protected:
  PollTest() {
    int32_t fds[2];
    EXPECT_EQ(Call(SysPipe2, fds, 0), 0);
    in_ = fds[0], out_ = fds[1];
  }
  RefPtr<File> FileOf(int fd) { return process()->files->Get(fd); }
  int in_, out_;
};

TEST_F(PollTest, WaitsForAnyOfTheSet) {
  int event = Call(SysEventfd, 0);
  PollSet set;
  ASSERT_EQ(set.Add(FileOf(in_), kPollIn), 0);
  ASSERT_EQ(set.Add(FileOf(event), kPollIn), 0);
  int64_t found = -1;
  Thread* waiter =
      Spawn([&] { found = set.Wait(Deadline::Never()); }, process());
  RunOthers();
  EXPECT_EQ(waiter->state, ThreadState::kBlocked);
  WriteText(out_, "x");
  Join(waiter);
  EXPECT_EQ(found, 1);
  EXPECT_EQ(set.item(0).found, kPollIn);
  EXPECT_EQ(set.item(1).found, 0u);
}

TEST_F(PollTest, Deadline) {
  PollFd fd = {in_, kPollIn, 77};
  uint64_t start = MonotonicNs();
  EXPECT_EQ(Call(SysPoll, &fd, 1, 0), 0);
  EXPECT_EQ(MonotonicNs(), start);
  EXPECT_EQ(Call(SysPoll, &fd, 1, 25), 0);
  EXPECT_EQ(MonotonicNs() - start, 25 * kMs);
  EXPECT_EQ(fd.revents, 0);
  EXPECT_EQ(Call(SysPoll, kNull, 0, 5), 0);
  EXPECT_EQ(MonotonicNs() - start, 30 * kMs);
}

TEST_F(PollTest, PollAnswers) {
  PollFd fds[] = {{in_, kPollIn, 0},
                  {out_, kPollIn | kPollOut, 0},
                  {-1, kPollIn, 5},
                  {99, kPollIn, 0}};
  EXPECT_EQ(Call(SysPoll, fds, 4, -1), 2);
  EXPECT_EQ(fds[0].revents, 0);
  EXPECT_EQ(fds[1].revents, static_cast<int16_t>(kPollOut));
  EXPECT_EQ(fds[2].revents, 0);
  EXPECT_EQ(fds[3].revents, static_cast<int16_t>(kPollNval));
  Close(in_);
  EXPECT_EQ(Call(SysPoll, &fds[1], 1, -1), 1);
  EXPECT_EQ(fds[1].revents, static_cast<int16_t>(kPollOut | kPollErr));
  fds[1].events = 0;  // errors are told unasked
  EXPECT_EQ(Call(SysPoll, &fds[1], 1, -1), 1);
}

TEST_F(PollTest, NoMemoryToWait) {
  PollSet set;
  ASSERT_EQ(set.Add(FileOf(in_), kPollIn), 0);
  hosted::FailAllocationsAfter(0);
  EXPECT_EQ(set.Wait(Deadline::Never()), -ENOMEM);
  hosted::FailAllocationsAfter(-1);
}

TEST_F(PollTest, Select) {
  uint64_t reads = 1ull << in_, writes = 1ull << out_;
  int64_t timeout[2] = {0, 0};
  EXPECT_EQ(Call(SysSelect, 10, &reads, &writes, kNull, timeout), 1);
  EXPECT_EQ(reads, 0u);
  EXPECT_EQ(writes, 1ull << out_);
  WriteText(out_, "x");
  reads = 1ull << in_;
  EXPECT_EQ(Call(SysSelect, 10, &reads, &writes, kNull, kNull), 2);
  reads = 1ull << 50;
  EXPECT_EQ(Call(SysSelect, 51, &reads, kNull, kNull, kNull), -EBADF);
  EXPECT_EQ(Call(SysSelect, -1, &reads, kNull, kNull, kNull), -EINVAL);
}

// A hang-up is no exceptional condition: select goes on waiting.
TEST_F(PollTest, SelectIgnoresWhatIsInNoSet) {
  Close(out_);
  uint64_t exceptions = 1ull << in_;
  int64_t timeout[2] = {0, 30000};
  uint64_t start = MonotonicNs();
  EXPECT_EQ(Call(SysSelect, 10, kNull, kNull, &exceptions, timeout), 0);
  EXPECT_EQ(MonotonicNs() - start, 30 * kMs);
  uint64_t reads = 1ull << in_;
  EXPECT_EQ(Call(SysSelect, 10, &reads, kNull, kNull, kNull), 1);
}

}  // namespace
}  // namespace gk
