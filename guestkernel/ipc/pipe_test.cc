// SPDX-License-Identifier: Apache-2.0
//
// Pipes: atomic writes, waiting, ends that go, capacity, packets.
#include "guestkernel/ipc/pipe.h"

#include "guestkernel/fs/testing/fs_test.h"
#include "guestkernel/ipc/syscalls.h"

namespace gk {
namespace {

constexpr int kSigPipe = 13;
constexpr int kSetFlags = 4, kSetSize = 1031, kGetSize = 1032;

class PipeTest : public FsTest {
 protected:
  PipeTest() { Make(0); }

  void Make(uint32_t flags) {
    int32_t fds[2];
    ASSERT_EQ(Call(SysPipe2, fds, flags), 0);
    in_ = fds[0], out_ = fds[1];
  }
  void SetFlags(int fd, uint32_t flags) {
    EXPECT_EQ(Call(SysFcntl, fd, kSetFlags, flags), 0);
  }
  int64_t Write(size_t n, char c = 'x') {
    return WriteText(out_, std::string(n, c));
  }
  uint32_t Events(int fd) {
    return process()->files->Get(fd)->Poll(nullptr) &
           (kPollIn | kPollOut | kPollHup | kPollErr);
  }
  static SignalSet Pending() { return CurrentThread()->pending.set(); }

  int in_ = -1, out_ = -1;
};

TEST_F(PipeTest, BytesInOrder) {
  EXPECT_EQ(WriteText(out_, "hello "), 6);
  EXPECT_EQ(WriteText(out_, "world"), 5);
  EXPECT_EQ(ReadText(in_, 3), "hel");
  EXPECT_EQ(ReadText(in_), "lo world");
  EXPECT_EQ(ReadText(out_, 1), "error -9");
  EXPECT_EQ(WriteText(in_, "x"), -EBADF);
}

TEST_F(PipeTest, NonblockingEnds) {
  SetFlags(in_, kOpenNonblock);
  SetFlags(out_, kOpenNonblock);
  EXPECT_EQ(ReadText(in_, 1), "error -11");
  EXPECT_EQ(Write(100000), 65536);
  EXPECT_EQ(Write(1), -EAGAIN);
  EXPECT_EQ(Events(out_), 0u);
  EXPECT_EQ(ReadText(in_, 4096).size(), 4096u);
  EXPECT_EQ(Events(out_), kPollOut);
  EXPECT_EQ(Write(100000), 4096);
}

TEST_F(PipeTest, SmallWritesGoInWholeOrNotAtAll) {
  SetFlags(out_, kOpenNonblock);
  EXPECT_EQ(Write(65536 - 100), 65536 - 100);
  EXPECT_EQ(Write(101), -EAGAIN);
  EXPECT_EQ(Write(100), 100);
  EXPECT_EQ(Write(1), -EAGAIN);
}

TEST_F(PipeTest, LargeWriteIntoNearlyFullPipe) {
  EXPECT_EQ(Write(65536 - 100), 65536 - 100);
  Thread* writer =
      Spawn([&] { EXPECT_EQ(Write(10000, 'y'), 10000); }, process());
  RunOthers();
  EXPECT_EQ(writer->state, ThreadState::kBlocked);
  std::string all;
  while (all.size() < 65536 - 100 + 10000) all += ReadText(in_, 5000);
  Join(writer);
  EXPECT_EQ(all.find('y'), 65536u - 100);
  EXPECT_EQ(all.size(), 65536u - 100 + 10000);
}

TEST_F(PipeTest, NonblockingLargeWriteIntoNearlyFullPipeReturns) {
  SetFlags(out_, kOpenNonblock);
  EXPECT_EQ(Write(65536 - 100), 65536 - 100);
  EXPECT_EQ(Write(10000), -EAGAIN);
}

TEST_F(PipeTest, AtomicWritesOfSeveralWritersStayWhole) {
  std::vector<Thread*> writers;
  for (char c : {'a', 'b', 'c'}) {
    writers.push_back(Spawn(
        [this, c] {
          for (int i = 0; i < 40; ++i) EXPECT_EQ(Write(1500, c), 1500);
        },
        process()));
  }
  std::string all;
  while (all.size() < 3 * 40 * 1500) all += ReadText(in_, 777);
  for (Thread* writer : writers) Join(writer);
  for (size_t at = 0; at < all.size(); at += 1500) {
    EXPECT_EQ(all.substr(at, 1500), std::string(1500, all[at])) << at;
  }
}

TEST_F(PipeTest, ReaderWaits) {
  std::string got;
  Thread* reader = Spawn([&] { got = ReadText(in_); }, process());
  RunOthers();
  EXPECT_EQ(reader->state, ThreadState::kBlocked);
  EXPECT_EQ(WriteText(out_, "late"), 4);
  Join(reader);
  EXPECT_EQ(got, "late");
}

TEST_F(PipeTest, OneWriteServesAllReadersThatItCan) {
  std::string first, second;
  Thread* a = Spawn([&] { first = ReadText(in_, 2); }, process());
  Thread* b = Spawn([&] { second = ReadText(in_, 2); }, process());
  RunOthers();
  EXPECT_EQ(WriteText(out_, "1234"), 4);
  Join(a);
  Join(b);
  EXPECT_EQ(first, "12");
  EXPECT_EQ(second, "34");
}

TEST_F(PipeTest, LastWriterGoneEndsTheData) {
  std::string got = "?";
  Thread* reader = Spawn([&] { got = ReadText(in_); }, process());
  RunOthers();
  EXPECT_EQ(Close(out_), 0);
  Join(reader);
  EXPECT_EQ(got, "");
  EXPECT_EQ(Events(in_), kPollHup);
}

TEST_F(PipeTest, NoReaders) {
  Close(in_);
  EXPECT_EQ(Events(out_), kPollOut | kPollErr);
  EXPECT_EQ(Write(1), -EPIPE);
  EXPECT_TRUE(Pending().Has(kSigPipe));
}

TEST_F(PipeTest, ReaderGoneWhileWriterWaits) {
  Thread* writer = Spawn(
      [&] {
        EXPECT_EQ(Write(70000), 65536);  // what was taken, and the signal
        EXPECT_TRUE(Pending().Has(kSigPipe));
      },
      process());
  RunOthers();
  Close(in_);
  Join(writer);
}

TEST_F(PipeTest, Capacity) {
  EXPECT_EQ(Call(SysFcntl, out_, kGetSize, 0), 65536);
  EXPECT_EQ(Call(SysFcntl, out_, kSetSize, 5000), 8192);
  EXPECT_EQ(Call(SysFcntl, out_, kSetSize, 0), -EINVAL);
  EXPECT_EQ(Call(SysFcntl, out_, kSetSize, (1 << 20) + 1), -EPERM);
  SetFlags(out_, kOpenNonblock);
  EXPECT_EQ(Write(10000, 'a'), 8192);
  EXPECT_EQ(Call(SysFcntl, out_, kSetSize, 4096), -EBUSY);
  EXPECT_EQ(ReadText(in_, 4096).size(), 4096u);
  EXPECT_EQ(Write(4096, 'b'), 4096);  // the ring has wrapped
  EXPECT_EQ(Call(SysFcntl, out_, kSetSize, 1 << 20), 1 << 20);
  EXPECT_EQ(Write(3, 'c'), 3);
  EXPECT_EQ(ReadText(in_, 10000),
            std::string(4096, 'a') + std::string(4096, 'b') + "ccc");
}

TEST_F(PipeTest, GrowingWakesAWriter) {
  Thread* writer = Spawn([&] { EXPECT_EQ(Write(70000), 70000); }, process());
  RunOthers();
  EXPECT_EQ(Call(SysFcntl, out_, kSetSize, 131072), 131072);
  Join(writer);
}

TEST_F(PipeTest, OneBufferOnly) {
  EXPECT_EQ(Call(SysFcntl, out_, kSetSize, 1), 4096);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Write(4000), 4000);
    EXPECT_EQ(ReadText(in_, 1000).size(), 1000u);
    EXPECT_EQ(ReadText(in_).size(), 3000u);
  }
}

TEST_F(PipeTest, Packets) {
  Make(kOpenDirect | kOpenNonblock);
  EXPECT_EQ(WriteText(out_, "one"), 3);
  EXPECT_EQ(WriteText(out_, "second"), 6);
  EXPECT_EQ(Write(5000), 5000);  // in two
  EXPECT_EQ(ReadText(in_), "one");
  EXPECT_EQ(ReadText(in_, 2), "se");  // the rest is lost
  EXPECT_EQ(ReadText(in_, 9000).size(), 4096u);
  EXPECT_EQ(ReadText(in_, 9000).size(), 904u);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(Write(1), 1);
  EXPECT_EQ(Write(1), -EAGAIN);
}

// The last buffer has room, but not for a packet.
TEST_F(PipeTest, PacketBehindBytesOfAFullPipe) {
  EXPECT_EQ(Write(65536 - 100), 65536 - 100);
  SetFlags(out_, kOpenDirect | kOpenNonblock);
  EXPECT_EQ(Write(50), -EAGAIN);
  SetFlags(out_, kOpenDirect);
  Thread* writer = Spawn([&] { EXPECT_EQ(Write(50), 50); }, process());
  RunOthers();
  EXPECT_EQ(writer->state, ThreadState::kBlocked);
  EXPECT_EQ(ReadText(in_).size(), 4096u);
  Join(writer);
}

TEST_F(PipeTest, Peek) {
  File* reader = process()->files->Get(in_).get();
  char buffer[64];
  UserIo empty = UserIo::Kernel(buffer, sizeof(buffer));
  EXPECT_EQ(reader->Peek(empty, 0), -EAGAIN);
  WriteText(out_, "stays");
  UserIo io = UserIo::Kernel(buffer, sizeof(buffer));
  EXPECT_EQ(reader->Peek(io, 0), 5);
  EXPECT_EQ(std::string(buffer, 5), "stays");
  UserIo later = UserIo::Kernel(buffer, sizeof(buffer));
  EXPECT_EQ(reader->Peek(later, 2), 3);
  EXPECT_EQ(std::string(buffer, 3), "ays");
  EXPECT_EQ(reader->Peek(later, 5), -EAGAIN);
  EXPECT_EQ(ReadText(in_), "stays");
  Close(out_);
  UserIo ended = UserIo::Kernel(buffer, sizeof(buffer));
  EXPECT_EQ(reader->Peek(ended, 0), 0);
}

TEST_F(PipeTest, NoMemory) {
  hosted::FailAllocationsAfter(0);
  EXPECT_EQ(Write(10), -ENOMEM);
  hosted::FailAllocationsAfter(-1);
  EXPECT_EQ(Write(10), 10);
  EXPECT_EQ(ReadText(in_).size(), 10u);
}

}  // namespace
}  // namespace gk
