// SPDX-License-Identifier: Apache-2.0

#include "snapshot/wire/frame_channel.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "gtest/gtest.h"

namespace crvm {
namespace {

class FrameChannelTest : public testing::Test {
 protected:
  FrameChannelTest() {
    signal(SIGPIPE, SIG_IGN);
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    a_ = std::make_unique<FrameChannel>(UniqueFd(fds[0]), UniqueFd());
    b_ = std::make_unique<FrameChannel>(UniqueFd(fds[1]), UniqueFd());
  }
  std::unique_ptr<FrameChannel> a_;
  std::unique_ptr<FrameChannel> b_;
};

TEST_F(FrameChannelTest, SendAndReceive) {
  ASSERT_TRUE(a_->Send(1, "one").ok());
  ASSERT_TRUE(a_->Send(2, "two").ok());
  EXPECT_EQ(b_->Receive()->payload, "one");
  EXPECT_EQ(b_->Receive()->payload, "two");
  ASSERT_TRUE(b_->Send(3, "back").ok());
  EXPECT_EQ(a_->Receive()->type, 3);
}

TEST_F(FrameChannelTest, LargeFramesWaitForTheReader) {
  const std::string large(kMaxFramePayload, 'x');
  std::thread sender([&] { EXPECT_TRUE(a_->Send(1, large).ok()); });
  EXPECT_EQ(b_->Receive()->payload, large);
  sender.join();
}

TEST_F(FrameChannelTest, Timeouts) {
  EXPECT_TRUE(absl::IsDeadlineExceeded(b_->Receive(20).status()));
  a_->Queue(1, std::string(kMaxFramePayload, 'x'));
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(a_->Send(1, std::string(1000, 'x'), 20)));
}

TEST_F(FrameChannelTest, TheOtherEndGoes) {
  a_.reset();
  EXPECT_TRUE(absl::IsUnavailable(b_->Receive().status()));
  EXPECT_TRUE(absl::IsUnavailable(b_->Send(1, "x")));
}

TEST_F(FrameChannelTest, QueueAndFlush) {
  size_t frames = 0;
  while (a_->queued() == 0) {
    a_->Queue(1, std::string(10000, 'x'));
    ASSERT_TRUE(a_->Flush().ok());
    ++frames;
  }
  for (size_t i = 0; i < frames; ++i) {
    ASSERT_TRUE(a_->Flush().ok());
    EXPECT_EQ(b_->Receive(1000)->payload.size(), 10000u);
  }
  ASSERT_TRUE(a_->Flush().ok());
  EXPECT_EQ(a_->queued(), 0u);
}

TEST_F(FrameChannelTest, SkipTo) {
  const std::string noise = "Welcome to this host!\n";
  const std::string stream = noise + "MARK" + EncodeFrame(5, "hi");
  ASSERT_EQ(write(a_->write_fd(), stream.data(), stream.size()),
            static_cast<ssize_t>(stream.size()));
  ASSERT_TRUE(b_->SkipTo("MARK", 1000, 1000).ok());
  EXPECT_EQ(b_->Receive(1000)->payload, "hi");
}

TEST_F(FrameChannelTest, SkipToFindsNothing) {
  ASSERT_EQ(write(a_->write_fd(), "sh: crvm: not found", 19), 19);
  a_.reset();
  const absl::Status status = b_->SkipTo("MARK", 1000, 1000);
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "sh: crvm: not found");
}

}  // namespace
}  // namespace crvm
