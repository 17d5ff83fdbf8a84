// SPDX-License-Identifier: Apache-2.0
//
// Descriptors in flight over unix sockets.
#include "guestkernel/fs/fd_table.h"
#include "guestkernel/fs/testing/fs_test.h"
#include "guestkernel/ipc/syscalls.h"
#include "guestkernel/net/socket.h"
#include "guestkernel/net/syscalls.h"

namespace gk {
namespace {

struct Vec {
  const void* base;
  uint64_t length;
};
struct Header {  // struct msghdr
  uint64_t name = 0, name_length = 0;
  const Vec* vectors;
  uint64_t count = 1;
  void* control = nullptr;
  uint64_t control_length = 0;
  uint64_t flags = 0;
};
struct Rights {  // struct cmsghdr and its data
  uint64_t length;
  int32_t level = 1, type = 1;
  int32_t fds[4];
};

class UnixRightsTest : public FsTest {
 protected:
  UnixRightsTest() { Pair(kSockStream); }
  void Pair(int type) {
    int32_t fds[2];
    ASSERT_EQ(Call(SysSocketpair, kAfUnix, type, 0, fds), 0);
    a_ = fds[0], b_ = fds[1];
    ASSERT_EQ(Call(SysPipe2, fds, 0), 0);
    in_ = fds[0], out_ = fds[1];
  }
  int64_t SendFd(int fd, const std::string& text) {
    Vec vec = {text.data(), text.size()};
    Rights rights = {20, 1, 1, {fd}};
    Header header;
    header.vectors = &vec;
    header.control = &rights, header.control_length = 20;
    return Call(SysSendmsg, a_, &header, 0);
  }
  // The bytes; the descriptors in rights_, of at most `room` bytes.
  std::string Receive(uint32_t flags = 0, uint64_t room = sizeof(Rights)) {
    std::string text(64, 0);
    Vec vec = {text.data(), text.size()};
    rights_ = {};
    Header header;
    header.vectors = &vec;
    header.control = &rights_, header.control_length = room;
    int64_t n = Call(SysRecvmsg, b_, &header, flags | kMsgDontWait);
    if (n < 0) return "error " + std::to_string(n);
    truncated_ = header.flags & kMsgCtrunc;
    text.resize(n);
    return text;
  }
  int a_, b_, in_, out_;
  Rights rights_;
  bool truncated_ = false;
};

TEST_F(UnixRightsTest, DescriptorArrives) {
  for (int type : {kSockStream, kSockDgram, kSockSeqPacket}) {
    Pair(type);
    EXPECT_EQ(SendFd(out_, "take"), 4);
    Close(out_);
    EXPECT_EQ(Receive(), "take");
    ASSERT_EQ(rights_.length, 20u);
    EXPECT_EQ(WriteText(rights_.fds[0], "via"), 3);
    EXPECT_EQ(ReadText(in_), "via");
  }
}

TEST_F(UnixRightsTest, DescriptorsMarkABoundary) {
  EXPECT_EQ(WriteText(a_, "plain"), 5);
  EXPECT_EQ(SendFd(out_, "with"), 4);
  EXPECT_EQ(WriteText(a_, "after"), 5);
  EXPECT_EQ(Receive(), "plain");
  EXPECT_EQ(rights_.length, 0u);
  EXPECT_EQ(Receive(), "with");
  EXPECT_EQ(rights_.length, 20u);
  EXPECT_EQ(Receive(), "after");
}

TEST_F(UnixRightsTest, PeekGivesDescriptorsToo) {
  for (int type : {kSockStream, kSockDgram}) {
    Pair(type);
    EXPECT_EQ(SendFd(out_, "x"), 1);
    for (uint32_t flags : {uint32_t{kMsgPeek}, 0u}) {
      EXPECT_EQ(Receive(flags), "x");
      ASSERT_EQ(rights_.length, 20u);
      EXPECT_EQ(WriteText(rights_.fds[0], "y"), 1);
    }
    EXPECT_EQ(ReadText(in_), "yy");
  }
}

TEST_F(UnixRightsTest, WhatNobodyTakesIsClosed) {
  EXPECT_EQ(SendFd(out_, "x"), 1);
  Close(out_);
  EXPECT_EQ(ReadText(b_), "x");
  EXPECT_EQ(ReadText(in_), "");  // its only writer is gone
  Pair(kSockStream);
  EXPECT_EQ(SendFd(out_, "x"), 1);
  Close(out_);
  EXPECT_EQ(Receive(0, 0), "x");  // no room
  EXPECT_TRUE(truncated_);
  EXPECT_EQ(ReadText(in_), "");
  Pair(kSockStream);
  EXPECT_EQ(SendFd(out_, "x"), 1);
  Close(out_);
  Close(b_);
  EXPECT_EQ(ReadText(in_), "");
}

TEST_F(UnixRightsTest, BadControl) {
  EXPECT_EQ(SendFd(99, "x"), -EBADF);
  Vec vec = {"x", 1};
  Rights rights = {8, 1, 1, {}};  // shorter than its own header
  Header header;
  header.vectors = &vec;
  header.control = &rights, header.control_length = 20;
  EXPECT_EQ(Call(SysSendmsg, a_, &header, 0), -EINVAL);
  rights.length = 1000;
  EXPECT_EQ(Call(SysSendmsg, a_, &header, 0), -EINVAL);
  rights.length = 19;  // not whole descriptors
  EXPECT_EQ(Call(SysSendmsg, a_, &header, 0), -EINVAL);
  EXPECT_EQ(Receive(), "error -11");
}

}  // namespace
}  // namespace gk
