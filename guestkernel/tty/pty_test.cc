// SPDX-License-Identifier: Apache-2.0
//
// Hosted tests of pseudoterminals: both ends, locking, hangup, packet mode.
#include "guestkernel/tty/pty.h"

#include <asm/ioctls.h>
#include <signal.h>

#include <string>

#include "gtest/gtest.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/sched/testing/kernel_test.h"
#include "guestkernel/tty/testing/tty_test_util.h"

namespace gk {
namespace {

class PtyTest : public KernelTest {
 protected:
  void SetUp() override {
    auto master = OpenPtyMaster(kOpenReadWrite);
    ASSERT_TRUE(master.ok());
    master_ = master.take();
    ASSERT_EQ(Master(TIOCGPTN, &number_), 0);
  }
  void OpenSlave() {
    int32_t locked = 0;
    ASSERT_EQ(Master(TIOCSPTLCK, &locked), 0);
    auto slave =
        OpenTty(RefPtr<Tty>(FindPty(number_)), kOpenReadWrite | kOpenNoCtty);
    ASSERT_TRUE(slave.ok());
    slave_ = slave.take();
  }
  int64_t Master(uint32_t command, const void* argument) {
    return master_->Ioctl(command, reinterpret_cast<uint64_t>(argument));
  }
  static int64_t Write(File& file, std::string text) {
    UserIo io = UserIo::Kernel(text.data(), text.size());
    return file.Write(io);
  }
  static std::string Read(File& file, size_t n = 1000) {
    file.set_flags(file.flags() | kOpenNonblock);
    return ReadWith([&](UserIo& io) { return file.Read(io); }, n);
  }

  RefPtr<File> master_, slave_;
  uint32_t number_ = ~0u;
};

TEST_F(PtyTest, NumbersAreTheLowestFree) {
  EXPECT_EQ(number_, 0u);
  auto second = OpenPtyMaster(kOpenReadWrite).take();
  uint32_t number = 0;
  EXPECT_EQ(second->Ioctl(TIOCGPTN, reinterpret_cast<uint64_t>(&number)), 0);
  EXPECT_EQ(number, 1u);
  master_.reset();
  EXPECT_EQ(FindPty(0), nullptr);
  auto third = OpenPtyMaster(kOpenReadWrite).take();
  EXPECT_EQ(third->Ioctl(TIOCGPTN, reinterpret_cast<uint64_t>(&number)), 0);
  EXPECT_EQ(number, 0u);
}

TEST_F(PtyTest, LockedUntilUnlocked) {
  int32_t locked = 0;
  EXPECT_EQ(Master(TIOCGPTLCK, &locked), 0);
  EXPECT_EQ(locked, 1);
  EXPECT_EQ(OpenTty(RefPtr<Tty>(FindPty(0)), kOpenReadWrite).error(), -EIO);
  OpenSlave();
}

TEST_F(PtyTest, KeyboardAndScreen) {
  OpenSlave();
  EXPECT_EQ(Write(*master_, "ls\r"), 3);
  EXPECT_EQ(Read(*slave_), "ls\n");
  EXPECT_EQ(Read(*master_), "ls\r\n");  // echo
  EXPECT_EQ(Write(*slave_, "file\n"), 5);
  int32_t n = 0;
  EXPECT_EQ(Master(FIONREAD, &n), 0);
  EXPECT_EQ(n, 6);
  EXPECT_EQ(Read(*master_, 3), "fil");
  EXPECT_EQ(Read(*master_), "e\r\n");
  EXPECT_EQ(Read(*master_), "error 11");
}

TEST_F(PtyTest, TheMasterSeesTheSlaveGo) {
  EXPECT_EQ(Read(*master_), "error 11");  // not opened yet: no error
  OpenSlave();
  EXPECT_EQ(Write(*slave_, "last"), 4);
  slave_.reset();
  EXPECT_TRUE(master_->Poll(nullptr) & kPollHup);
  EXPECT_EQ(Read(*master_), "last");
  EXPECT_EQ(Read(*master_), "error " + std::to_string(EIO));
}

TEST_F(PtyTest, TheSlaveSeesTheMasterGo) {
  OpenSlave();
  ASSERT_EQ(slave_->Ioctl(TIOCSCTTY, 0), 0);
  main_thread()->blocked.Add(SIGHUP);
  master_.reset();
  EXPECT_TRUE(process()->pending.set().Has(SIGHUP));
  EXPECT_EQ(Read(*slave_), "");
  EXPECT_EQ(Write(*slave_, "x"), -EIO);
  process()->pending.Discard(SignalSet{~0ull});
}

TEST_F(PtyTest, ASlowMasterHoldsUpTheSlave) {
  OpenSlave();
  int64_t written = 0;
  Thread* writer = Spawn(
      [&] { written = Write(*slave_, std::string(100000, 'x')); }, process());
  RunOthers();
  EXPECT_EQ(written, 0);
  std::string got;
  while (got.size() < 100000) {
    const std::string piece = Read(*master_, 5000);
    ASSERT_EQ(piece.find("error"), std::string::npos);
    got += piece;
    RunOthers();
  }
  Join(writer);
  EXPECT_EQ(written, 100000);
}

TEST_F(PtyTest, ASlowSlaveHoldsUpTheMaster) {
  OpenSlave();
  Termios t;
  ASSERT_EQ(Master(TCGETS, &t), 0);
  t.lflag &= ~(kICanon | kEcho);
  ASSERT_EQ(Master(TCSETS, &t), 0);
  int64_t written = 0;
  Thread* writer = Spawn(
      [&] { written = Write(*master_, std::string(10000, 'k')); }, process());
  RunOthers();
  EXPECT_EQ(written, 0);
  EXPECT_FALSE(master_->Poll(nullptr) & kPollOut);
  size_t got = 0;
  while (got < 10000) {
    got += Read(*slave_, 3000).size();
    RunOthers();
  }
  Join(writer);
  EXPECT_EQ(written, 10000);
}

TEST_F(PtyTest, WindowSizeIsShared) {
  OpenSlave();
  ASSERT_EQ(slave_->Ioctl(TIOCSCTTY, 0), 0);
  WindowSize size{24, 80, 0, 0}, seen;
  main_thread()->blocked.Add(SIGWINCH);
  EXPECT_EQ(Master(TIOCSWINSZ, &size), 0);
  EXPECT_EQ(slave_->Ioctl(TIOCGWINSZ, reinterpret_cast<uint64_t>(&seen)), 0);
  EXPECT_EQ(seen, size);
  int32_t group = 0;
  EXPECT_EQ(Master(TIOCGPGRP, &group), 0);
  EXPECT_EQ(group, process()->pgid);
  TtyHangupSession(process());
  process()->pending.Discard(SignalSet{~0ull});
}

TEST_F(PtyTest, PacketMode) {
  OpenSlave();
  int32_t on = 1;
  ASSERT_EQ(Master(TIOCPKT, &on), 0);
  EXPECT_EQ(Write(*slave_, "hi"), 2);
  EXPECT_EQ(Read(*master_), std::string("\0hi", 3));
  EXPECT_EQ(slave_->Ioctl(TCFLSH, 0), 0);
  EXPECT_TRUE(master_->Poll(nullptr) & kPollPri);
  EXPECT_EQ(Read(*master_), "\1");
  EXPECT_EQ(Read(*master_), "error 11");
}

}  // namespace
}  // namespace gk
