// SPDX-License-Identifier: Apache-2.0
//
// epoll: level, edge and one-shot; nesting; files that go.
#include "guestkernel/ipc/epoll.h"

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/fs/testing/fs_test.h"
#include "guestkernel/ipc/syscalls.h"

namespace gk {
namespace {

constexpr uint64_t kMs = 1000000;
enum { kAdd = 1, kDelete, kModify };

class EpollTest : public FsTest {
 protected:
  EpollTest() {
    int32_t fds[2];
    EXPECT_EQ(Call(SysPipe2, fds, 0), 0);
    in_ = fds[0], out_ = fds[1];
    epoll_ = NewEpoll();
  }
  static int NewEpoll() { return Call(SysEpollCreate1, 0); }
  static int64_t Control(int epoll, int operation, int fd, uint32_t events) {
    EpollEvent event = {events, static_cast<uint64_t>(fd)};
    return Call(SysEpollCtl, epoll, operation, fd, &event);
  }
  // The events of the one file that is ready; 0: none.
  uint32_t Wait(int timeout_ms = 0) {
    EpollEvent events[4];
    int64_t n = Call(SysEpollWait, epoll_, events, 4, timeout_ms);
    EXPECT_GE(n, 0);
    EXPECT_LE(n, 1);
    return n > 0 ? events[0].events : 0;
  }
  int epoll_, in_, out_;
};

TEST_F(EpollTest, Level) {
  EXPECT_EQ(Control(epoll_, kAdd, in_, kPollIn), 0);
  EXPECT_EQ(Wait(), 0u);
  WriteText(out_, "xy");
  EXPECT_EQ(Wait(), kPollIn);
  EXPECT_EQ(Wait(), kPollIn);
  ReadText(in_, 1);
  EXPECT_EQ(Wait(), kPollIn);
  ReadText(in_);
  EXPECT_EQ(Wait(), 0u);
  Close(out_);
  EXPECT_EQ(Wait(), kPollHup);
}

TEST_F(EpollTest, Edge) {
  EXPECT_EQ(Control(epoll_, kAdd, in_, uint32_t{kPollIn} | kEpollEdge), 0);
  WriteText(out_, "xy");
  EXPECT_EQ(Wait(), kPollIn);
  EXPECT_EQ(Wait(), 0u);
  ReadText(in_, 1);  // reading a part makes no event
  EXPECT_EQ(Wait(), 0u);
  WriteText(out_, "z");
  EXPECT_EQ(Wait(), kPollIn);
}

TEST_F(EpollTest, OneShot) {
  EXPECT_EQ(Control(epoll_, kAdd, in_, uint32_t{kPollIn} | kEpollOneShot), 0);
  WriteText(out_, "x");
  EXPECT_EQ(Wait(), kPollIn);
  WriteText(out_, "x");
  EXPECT_EQ(Wait(), 0u);
  EXPECT_EQ(Control(epoll_, kModify, in_, uint32_t{kPollIn} | kEpollOneShot),
            0);
  EXPECT_EQ(Wait(), kPollIn);
  EXPECT_EQ(Wait(), 0u);
}

TEST_F(EpollTest, Control) {
  EXPECT_EQ(Control(epoll_, kModify, in_, kPollIn), -ENOENT);
  EXPECT_EQ(Control(epoll_, kDelete, in_, 0), -ENOENT);
  EXPECT_EQ(Control(epoll_, kAdd, in_, kPollIn), 0);
  EXPECT_EQ(Control(epoll_, kAdd, in_, kPollIn), -EEXIST);
  int copy = Call(SysDup, in_);
  EXPECT_EQ(Control(epoll_, kAdd, copy, 0), 0);  // another descriptor
  EXPECT_EQ(Control(epoll_, kDelete, copy, 0), 0);
  WriteText(out_, "x");
  EXPECT_EQ(Control(epoll_, kModify, in_, 0), 0);
  EXPECT_EQ(Wait(), 0u);
  EXPECT_EQ(Control(epoll_, kModify, in_, kPollIn), 0);
  EXPECT_EQ(Wait(), kPollIn);
  EXPECT_EQ(Control(epoll_, kDelete, in_, 0), 0);
  EXPECT_EQ(Wait(), 0u);
  EXPECT_EQ(Control(epoll_, 9, in_, 0), -EINVAL);
  EXPECT_EQ(Control(epoll_, kAdd, 99, 0), -EBADF);
  EXPECT_EQ(Control(in_, kAdd, out_, 0), -EINVAL);
  MakeFile("/f", "");
  EXPECT_EQ(Control(epoll_, kAdd, Open("/f", 0), 0), -EPERM);
}

TEST_F(EpollTest, ClosedFileTakesItsItems) {
  EXPECT_EQ(Control(epoll_, kAdd, in_, kPollIn), 0);
  EXPECT_EQ(Control(epoll_, kAdd, out_, kPollOut), 0);
  WriteText(out_, "x");
  int copy = Call(SysDup, in_);
  Close(in_);
  EpollEvent events[4];
  EXPECT_EQ(Call(SysEpollWait, epoll_, events, 4, 0), 2);  // still open
  Close(copy);
  EXPECT_EQ(Wait(), kPollOut | kPollErr);
  Close(out_);
  EXPECT_EQ(Wait(), 0u);
}

TEST_F(EpollTest, EpollGoesFirst) {
  EXPECT_EQ(Control(epoll_, kAdd, in_, kPollIn), 0);
  Close(epoll_);
  WriteText(out_, "x");
  EXPECT_EQ(ReadText(in_), "x");
}

TEST_F(EpollTest, Deadline) {
  EXPECT_EQ(Control(epoll_, kAdd, in_, kPollIn), 0);
  uint64_t start = MonotonicNs();
  EXPECT_EQ(Wait(40), 0u);
  EXPECT_EQ(MonotonicNs() - start, 40 * kMs);
}

TEST_F(EpollTest, Waits) {
  EXPECT_EQ(Control(epoll_, kAdd, in_, kPollIn), 0);
  uint32_t got = 0;
  Thread* waiter = Spawn([&] { got = Wait(-1); }, process());
  RunOthers();
  EXPECT_EQ(waiter->state, ThreadState::kBlocked);
  WriteText(out_, "x");
  Join(waiter);
  EXPECT_EQ(got, kPollIn);
}

TEST_F(EpollTest, EdgeWakesOneWaiterForEachFile) {
  int event = Call(SysEventfd, 0);
  EXPECT_EQ(Control(epoll_, kAdd, in_, uint32_t{kPollIn} | kEpollEdge), 0);
  EXPECT_EQ(Control(epoll_, kAdd, event, uint32_t{kPollIn} | kEpollEdge), 0);
  int woken = 0;
  auto body = [&] { woken += Wait(-1) != 0; };
  Thread* a = Spawn(body, process());
  Thread* b = Spawn(body, process());
  RunOthers();
  WriteText(out_, "x");
  RunOthers();
  EXPECT_EQ(woken, 1);
  uint64_t one = 1;
  EXPECT_EQ(Call(SysWrite, event, &one, 8), 8);
  Join(a);
  Join(b);
  EXPECT_EQ(woken, 2);
}

TEST_F(EpollTest, AllGetTheirTurn) {
  int first = Call(SysEventfd, 1), second = Call(SysEventfd, 1);
  EXPECT_EQ(Control(epoll_, kAdd, first, kPollIn), 0);
  EXPECT_EQ(Control(epoll_, kAdd, second, kPollIn), 0);
  for (int expected : {first, second, first, second}) {
    EpollEvent event;
    EXPECT_EQ(Call(SysEpollWait, epoll_, &event, 1, 0), 1);
    EXPECT_EQ(uint64_t{event.data}, static_cast<uint64_t>(expected));
  }
}

TEST_F(EpollTest, Nested) {
  int inner = NewEpoll();
  EXPECT_EQ(Control(inner, kAdd, in_, kPollIn), 0);
  EXPECT_EQ(Control(epoll_, kAdd, inner, kPollIn), 0);
  EXPECT_EQ(Wait(), 0u);
  uint32_t got = 0;
  Thread* waiter = Spawn([&] { got = Wait(-1); }, process());
  RunOthers();
  WriteText(out_, "x");
  Join(waiter);
  EXPECT_EQ(got, kPollIn);
  ReadText(in_);
  EXPECT_EQ(Wait(), 0u);
  EXPECT_EQ(Control(inner, kAdd, epoll_, kPollIn), -ELOOP);
  EXPECT_EQ(Control(epoll_, kAdd, epoll_, kPollIn), -EINVAL);
}

// Whichever end the chain grows at: wakes recurse through it.
TEST_F(EpollTest, DepthIsLimited) {
  int top = epoll_;
  for (int i = 0; i < 4; ++i) {
    int above = NewEpoll();
    EXPECT_EQ(Control(above, kAdd, top, kPollIn), 0);
    top = above;
  }
  EXPECT_EQ(Control(NewEpoll(), kAdd, top, kPollIn), -ELOOP);
  EXPECT_EQ(Control(epoll_, kAdd, NewEpoll(), kPollIn), -ELOOP);
  int bottom = NewEpoll();
  for (int i = 0; i < 4; ++i) {
    int below = NewEpoll();
    EXPECT_EQ(Control(bottom, kAdd, below, kPollIn), 0);
    bottom = below;
  }
  EXPECT_EQ(Control(bottom, kAdd, NewEpoll(), kPollIn), -ELOOP);
}

TEST_F(EpollTest, NoMemory) {
  for (int after = 0; after < 2; ++after) {
    hosted::FailAllocationsAfter(after);
    EXPECT_EQ(Control(epoll_, kAdd, in_, kPollIn), -ENOMEM);
  }
  hosted::FailAllocationsAfter(-1);
  EXPECT_EQ(Control(epoll_, kAdd, in_, kPollIn), 0);
}

}  // namespace
}  // namespace gk
