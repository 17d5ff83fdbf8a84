// SPDX-License-Identifier: Apache-2.0
//
// Hosted tests of terminals: blocking reads by termios' rules, job control,
// ioctls, hangup.
#include "guestkernel/tty/tty.h"

#include <asm/ioctls.h>
#include <signal.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/sched/testing/kernel_test.h"
#include "guestkernel/tty/testing/tty_test_util.h"

namespace gk {

namespace {

constexpr uint64_t kMs = 1'000'000;

// A terminal whose screen is a string.
class FakeTty : public Tty {
 public:
  FakeTty() : Tty(MakeDevice(4, 64)) {}
  size_t Transmit(const uint8_t* bytes, size_t n) override {
    if (n > room) n = room;
    room -= n;
    screen.append(reinterpret_cast<const char*>(bytes), n);
    return n;
  }
  bool TransmitIdle() const override { return idle; }
  void InputDrained() override { ++drained; }

  void Type(const std::string& text) {
    EXPECT_EQ(
        Receive(reinterpret_cast<const uint8_t*>(text.data()), text.size()),
        text.size());
  }

  std::string screen;
  size_t room = 1 << 20;
  bool idle = true;
  int drained = 0;
};

class TtyTest : public KernelTest {
 protected:
  TtyTest() : tty_(MakeRef<FakeTty>()) {}
  ~TtyTest() override {
    jobs_end_ = true;
    jobs_.WakeAll();
    for (Thread* thread : job_threads_) Join(thread);
    if (tty_->session() != 0) tty_->DropSession();
  }
  // A process of the same session, in a group of its own, that waits, and
  // notices all signals.
  Process* NewJob() {
    Process* job = NewChild();
    job->sid = process()->sid;
    job->tty = process()->tty;
    for (int signo : {SIGINT, SIGWINCH, SIGHUP}) {
      job->handlers->action(signo).handler = 0x1000;
    }
    job_threads_.push_back(Spawn(
        [this] {
          (void)WaitUntil(
              jobs_, [this] { return jobs_end_; }, Deadline::Never(),
              Interruptible::kNo);
        },
        job));
    RunOthers();
    return job;
  }

  std::string Read(size_t n = 1000, bool nonblocking = false) {
    return ReadWith([&](UserIo& io) { return tty_->Read(io, nonblocking); }, n);
  }
  int64_t Write(std::string text, bool nonblocking = false) {
    UserIo io = UserIo::Kernel(text.data(), text.size());
    return tty_->Write(io, nonblocking);
  }
  int64_t Ioctl(uint32_t command, const void* argument) {
    return tty_->Ioctl(command, reinterpret_cast<uint64_t>(argument));
  }
  void SetRaw(uint8_t min, uint8_t time) {
    Termios t;
    ASSERT_EQ(Ioctl(TCGETS, &t), 0);
    t.lflag &= ~(kICanon | kEcho | kISig);
    t.chars[kVMin] = min;
    t.chars[kVTime] = time;
    ASSERT_EQ(Ioctl(TCSETS, &t), 0);
  }
  // Makes the test process leader of the terminal's session.
  void TakeTerminal() {
    ASSERT_EQ(tty_->Acquire(process(), false), 0);
    ASSERT_EQ(tty_->foreground_group(), process()->pgid);
  }
  bool IsPending(Process* p, int signo) { return p->pending.set().Has(signo); }

  RefPtr<FakeTty> tty_;
  WaitQueue jobs_;
  bool jobs_end_ = false;
  std::vector<Thread*> job_threads_;
};

TEST_F(TtyTest, AReaderWaitsForALine) {
  std::string got;
  Thread* reader = Spawn([&] { got = Read(); }, process());
  RunOthers();
  tty_->Type("hel");
  RunOthers();
  EXPECT_EQ(got, "");
  tty_->Type("lo\nmore");
  Join(reader);
  EXPECT_EQ(got, "hello\n");
  EXPECT_EQ(tty_->screen, "hello\r\nmore");
  EXPECT_GT(tty_->drained, 0);
  EXPECT_EQ(Read(10, true), "error 11");
}

TEST_F(TtyTest, EndOfFileIsAnEmptyRead) {
  tty_->Type("\4");
  EXPECT_EQ(Read(), "");
}

TEST_F(TtyTest, ALongLineComesInOneRead) {
  tty_->Type(std::string(1000, 'x') + "\n");
  EXPECT_EQ(Read(600), std::string(600, 'x'));
  EXPECT_EQ(Read(600), std::string(400, 'x') + "\n");
}

TEST_F(TtyTest, RawReadWaitsForTheMinimum) {
  SetRaw(3, 0);
  std::string got;
  Thread* reader = Spawn([&] { got = Read(); }, process());
  RunOthers();
  tty_->Type("ab");
  RunOthers();
  EXPECT_EQ(got, "");
  tty_->Type("c");
  Join(reader);
  EXPECT_EQ(got, "abc");
}

TEST_F(TtyTest, RawReadStopsWhenFull) {
  SetRaw(200, 0);
  tty_->Type("abcdef");
  EXPECT_EQ(Read(4), "abcd");
}

TEST_F(TtyTest, RawReadTimesOutBetweenBytes) {
  SetRaw(10, 2);
  tty_->Type("ab");
  const uint64_t start = MonotonicNs();
  EXPECT_EQ(Read(), "ab");
  EXPECT_EQ(MonotonicNs() - start, 200 * kMs);
}

TEST_F(TtyTest, RawReadTimesOutAltogether) {
  SetRaw(0, 5);
  const uint64_t start = MonotonicNs();
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(MonotonicNs() - start, 500 * kMs);
  tty_->Type("x");
  EXPECT_EQ(Read(), "x");
}

TEST_F(TtyTest, RawReadThatNeverWaits) {
  SetRaw(0, 0);
  EXPECT_EQ(Read(), "");
  tty_->Type("xy");
  EXPECT_EQ(Read(), "xy");
}

TEST_F(TtyTest, OutputWaitsForTheDevice) {
  tty_->room = 100;
  int64_t written = 0;
  Thread* writer =
      Spawn([&] { written = Write(std::string(20000, 'x')); }, process());
  RunOthers();
  EXPECT_EQ(written, 0);
  EXPECT_EQ(Write("y", true), -EAGAIN);
  tty_->room = 1 << 20;
  tty_->OutputReady();
  Join(writer);
  EXPECT_EQ(written, 20000);
  EXPECT_EQ(tty_->screen, std::string(20000, 'x'));
}

TEST_F(TtyTest, StopHoldsOutputBack) {
  tty_->Type("\x13");
  EXPECT_EQ(Write("held\n"), 5);
  EXPECT_EQ(tty_->screen, "");
  tty_->Type("\x11");
  EXPECT_EQ(tty_->screen, "held\r\n");
}

TEST_F(TtyTest, DrainWaitsUntilAllHasLeft) {
  tty_->idle = false;
  bool drained = false;
  Thread* waiter = Spawn(
      [&] {
        EXPECT_EQ(tty_->Ioctl(TCSBRK, 1), 0);
        drained = true;
      },
      process());
  RunOthers();
  EXPECT_FALSE(drained);
  tty_->idle = true;
  tty_->OutputReady();
  Join(waiter);
  EXPECT_TRUE(drained);
}

TEST_F(TtyTest, PollSaysWhatIsPossible) {
  EXPECT_EQ(tty_->Poll(nullptr), kPollOut | kPollWrNorm);
  tty_->Type("x");
  EXPECT_EQ(tty_->Poll(nullptr), kPollOut | kPollWrNorm);
  tty_->Type("\n");
  EXPECT_EQ(tty_->Poll(nullptr),
            kPollIn | kPollRdNorm | kPollOut | kPollWrNorm);
  Read();
  SetRaw(3, 0);
  tty_->Type("ab");
  EXPECT_FALSE(tty_->Poll(nullptr) & kPollIn);
  tty_->Type("c");
  EXPECT_TRUE(tty_->Poll(nullptr) & kPollIn);
}

TEST_F(TtyTest, SettingsAreReadAndWritten) {
  Termios t;
  ASSERT_EQ(Ioctl(TCGETS, &t), 0);
  EXPECT_TRUE(t.lflag & kICanon);
  t.lflag &= ~kEcho;
  t.cflag = (t.cflag & ~kBaudMask) | 010002;  // B115200
  ASSERT_EQ(Ioctl(TCSETSF, &t), 0);
  Termios2 t2;
  ASSERT_EQ(Ioctl(0x802c542a, &t2), 0);
  EXPECT_FALSE(t2.base.lflag & kEcho);
  EXPECT_EQ(t2.output_speed, 115200u);
  EXPECT_EQ(Ioctl(TIOCSTI, "x"), -EIO);
  EXPECT_EQ(Ioctl(0x1234, nullptr), -ENOTTY);
  int32_t n = -1;
  tty_->Type("abc\n");
  EXPECT_EQ(Ioctl(FIONREAD, &n), 0);
  EXPECT_EQ(n, 4);
  EXPECT_EQ(tty_->Ioctl(TCFLSH, 0), 0);
  EXPECT_EQ(Read(10, true), "error 11");
  EXPECT_EQ(tty_->Ioctl(TCFLSH, 3), -EINVAL);
}

TEST_F(TtyTest, OpeningMakesItTheControllingTerminal) {
  auto file = OpenTty(tty_, kOpenReadWrite | kOpenNoCtty);
  ASSERT_TRUE(file.ok());
  EXPECT_FALSE(process()->tty);
  auto second = OpenTty(tty_, kOpenReadWrite);
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(process()->tty == tty_.get());
  EXPECT_EQ(tty_->session(), process()->sid);
  int32_t id = 0;
  EXPECT_EQ(Ioctl(TIOCGPGRP, &id), 0);
  EXPECT_EQ(id, process()->pgid);
  EXPECT_EQ(Ioctl(TIOCGSID, &id), 0);
  EXPECT_EQ(id, process()->sid);
}

TEST_F(TtyTest, OnlyALeaderWithoutATerminalMayTakeOne) {
  Process* child = NewChild();
  child->sid = process()->sid;
  EXPECT_EQ(tty_->Acquire(child, false), -EPERM);
  TakeTerminal();
  EXPECT_EQ(tty_->Acquire(process(), false), 0);
  Process* other = NewChild();  // leads a session of its own
  EXPECT_EQ(tty_->Acquire(other, true), -EPERM);
  auto elsewhere = MakeRef<FakeTty>();
  EXPECT_EQ(elsewhere->Acquire(process(), false), -EPERM);
}

TEST_F(TtyTest, KeysSignalTheForegroundGroup) {
  TakeTerminal();
  Process* job = NewJob();
  int32_t group = job->pgid;
  ASSERT_EQ(Ioctl(TIOCSPGRP, &group), 0);
  tty_->Type("\x03");
  EXPECT_TRUE(IsPending(job, SIGINT));
  EXPECT_FALSE(IsPending(process(), SIGINT));
  tty_->SetWindowSize(WindowSize{50, 132, 0, 0});
  EXPECT_TRUE(IsPending(job, SIGWINCH));
  job->pending.Discard(SignalSet{~0ull});
  tty_->SetWindowSize(WindowSize{50, 132, 0, 0});
  EXPECT_FALSE(IsPending(job, SIGWINCH));
  WindowSize size;
  EXPECT_EQ(Ioctl(TIOCGWINSZ, &size), 0);
  EXPECT_EQ(size.columns, 132);
}

TEST_F(TtyTest, ABackgroundReadIsStopped) {
  TakeTerminal();
  Process* job = NewJob();
  int32_t group = job->pgid;
  ASSERT_EQ(Ioctl(TIOCSPGRP, &group), 0);
  // Now the caller itself is in the background.
  tty_->Type("x\n");
  EXPECT_EQ(Read(), "error 512");
  EXPECT_TRUE(IsPending(process(), SIGTTIN));
  process()->pending.Discard(SignalSet{~0ull});
  process()->handlers->action(SIGTTIN).handler = 1;
  EXPECT_EQ(Read(), "error " + std::to_string(EIO));
}

TEST_F(TtyTest, ABackgroundWriteIsStoppedIfAsked) {
  TakeTerminal();
  Termios t;
  ASSERT_EQ(Ioctl(TCGETS, &t), 0);
  Process* job = NewJob();
  int32_t group = job->pgid;
  ASSERT_EQ(Ioctl(TIOCSPGRP, &group), 0);
  EXPECT_EQ(Write("fine"), 4);
  // Changing settings is always refused to the background...
  EXPECT_EQ(Ioctl(TCSETS, &t), -kErestartSys);
  EXPECT_TRUE(IsPending(process(), SIGTTOU));
  process()->pending.Discard(SignalSet{~0ull});
  // ... but not to those who block the signal, as shells do.
  main_thread()->blocked.Add(SIGTTOU);
  t.lflag |= kToStop;
  EXPECT_EQ(Ioctl(TCSETS, &t), 0);
  EXPECT_EQ(Write("fine"), 4);
  main_thread()->blocked.Remove(SIGTTOU);
  EXPECT_EQ(Write("stopped"), -kErestartSys);
  EXPECT_TRUE(IsPending(process(), SIGTTOU));
  process()->pending.Discard(SignalSet{~0ull});
}

TEST_F(TtyTest, ForegroundGroupMustBeOfTheSession) {
  int32_t group = process()->pgid;
  EXPECT_EQ(Ioctl(TIOCSPGRP, &group), -ENOTTY);
  TakeTerminal();
  group = NewChild()->pgid;
  EXPECT_EQ(Ioctl(TIOCSPGRP, &group), -EPERM);
  group = -4;
  EXPECT_EQ(Ioctl(TIOCSPGRP, &group), -EINVAL);
}

TEST_F(TtyTest, HangupEndsEverything) {
  auto file = OpenTty(tty_, kOpenReadWrite);
  ASSERT_TRUE(process()->tty == tty_.get());
  std::string got = "none";
  Thread* reader = Spawn([&] { got = Read(); }, process());
  RunOthers();
  main_thread()->blocked.Add(SIGHUP);
  reader->blocked.Add(SIGHUP);
  tty_->Hangup();
  Join(reader);
  EXPECT_EQ(got, "");
  EXPECT_TRUE(IsPending(process(), SIGHUP));
  EXPECT_FALSE(process()->tty);
  EXPECT_EQ(Write("x"), -EIO);
  EXPECT_EQ(Read(), "");
  EXPECT_TRUE(tty_->Poll(nullptr) & kPollHup);
  Termios t;
  EXPECT_EQ(Ioctl(TCGETS, &t), -EIO);
  EXPECT_EQ(OpenTty(tty_, kOpenReadWrite).error(), -EIO);
  process()->pending.Discard(SignalSet{~0ull});
}

TEST_F(TtyTest, ALeaderThatLeavesHangsUpTheForeground) {
  TakeTerminal();
  Process* job = NewJob();
  int32_t group = job->pgid;
  ASSERT_EQ(Ioctl(TIOCSPGRP, &group), 0);
  TtyHangupSession(process());
  EXPECT_TRUE(IsPending(job, SIGHUP));
  EXPECT_FALSE(job->tty);
  EXPECT_FALSE(process()->tty);
  EXPECT_EQ(tty_->session(), 0);
}

}  // namespace
}  // namespace gk
