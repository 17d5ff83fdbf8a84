// SPDX-License-Identifier: Apache-2.0
//
// Named pipes: how opening waits for the other end.
#include "guestkernel/ipc/fifo.h"

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/fs/testing/fs_test.h"

namespace gk {
namespace {

class FifoTest : public FsTest {
 protected:
  FifoTest() {
    EXPECT_EQ(Call(SysMknod, "/fifo", uint32_t{kModeFifo | 0666}, 0), 0);
  }
  uint32_t Events(int fd) {
    return process()->files->Get(fd)->Poll(nullptr) & (kPollIn | kPollHup);
  }
};

TEST_F(FifoTest, ReaderWaitsForWriter) {
  int in = -1;
  Thread* reader = Spawn([&] { in = Open("/fifo", kOpenReadOnly); }, process());
  RunOthers();
  EXPECT_EQ(reader->state, ThreadState::kBlocked);
  int out = Open("/fifo", kOpenWriteOnly);
  EXPECT_GE(out, 0);
  Join(reader);
  EXPECT_EQ(WriteText(out, "through"), 7);
  EXPECT_EQ(ReadText(in), "through");
  Close(out);
  EXPECT_EQ(ReadText(in), "");
}

TEST_F(FifoTest, WriterWaitsForReader) {
  int out = -1;
  Thread* writer =
      Spawn([&] { out = Open("/fifo", kOpenWriteOnly); }, process());
  RunOthers();
  EXPECT_EQ(writer->state, ThreadState::kBlocked);
  int in = Open("/fifo", kOpenReadOnly);
  Join(writer);
  EXPECT_GE(in, 0);
  EXPECT_GE(out, 0);
}

TEST_F(FifoTest, WriterThatCameAndWentCounts) {
  int in = -1;
  Thread* reader = Spawn([&] { in = Open("/fifo", kOpenReadOnly); }, process());
  RunOthers();
  int out = Open("/fifo", kOpenWriteOnly | kOpenNonblock);
  Close(out);
  Join(reader);
  EXPECT_GE(in, 0);
  EXPECT_EQ(ReadText(in), "");
}

TEST_F(FifoTest, Nonblocking) {
  EXPECT_EQ(Open("/fifo", kOpenWriteOnly | kOpenNonblock), -ENXIO);
  int in = Open("/fifo", kOpenReadOnly | kOpenNonblock);
  ASSERT_GE(in, 0);
  EXPECT_EQ(ReadText(in), "");  // no writer: the end
  int out = Open("/fifo", kOpenWriteOnly | kOpenNonblock);
  ASSERT_GE(out, 0);
  EXPECT_EQ(ReadText(in), "error -11");
}

TEST_F(FifoTest, ReadWriteNeverWaits) {
  int fd = Open("/fifo", kOpenReadWrite);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(WriteText(fd, "self"), 4);
  EXPECT_EQ(ReadText(fd), "self");
}

// POLLHUP only once a writer came since this reader opened.
TEST_F(FifoTest, HangUpCountsOwnWriters) {
  for (int i = 0; i < 2; ++i) {
    int in = Open("/fifo", kOpenReadOnly | kOpenNonblock);
    EXPECT_EQ(Events(in), 0u) << i;
    int out = Open("/fifo", kOpenWriteOnly);
    EXPECT_EQ(Events(in), 0u);
    WriteText(out, "x");
    Close(out);
    EXPECT_EQ(Events(in), kPollIn | kPollHup);
    EXPECT_EQ(ReadText(in), "x");
    EXPECT_EQ(Events(in), kPollHup);
    Close(in);
  }
}

TEST_F(FifoTest, DataDiesWithTheLastEnd) {
  int fd = Open("/fifo", kOpenReadWrite);
  WriteText(fd, "lost");
  Close(fd);
  fd = Open("/fifo", kOpenReadWrite | kOpenNonblock);
  EXPECT_EQ(ReadText(fd), "error -11");
}

}  // namespace
}  // namespace gk
