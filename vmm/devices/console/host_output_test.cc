// SPDX-License-Identifier: Apache-2.0
//
// Unit tests of HostOutput on each kind of descriptor. Single-threaded.

#include "vmm/devices/console/host_output.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "gtest/gtest.h"

namespace crvm {
namespace {

HostOutput::Result WriteText(HostOutput& output, std::string text) {
  const iovec buffer = {text.data(), text.size()};
  return output.Write(absl::MakeConstSpan(&buffer, 1));
}

bool IsNonBlocking(int fd) { return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

struct Pair {
  UniqueFd reader;
  UniqueFd writer;
};

Pair MakePipe() {
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

UniqueFd Dup(const UniqueFd& fd) { return UniqueFd(dup(fd.get())); }

class HostOutputTest : public testing::Test {
 protected:
  void SetUp() override { signal(SIGPIPE, SIG_IGN); }
};

TEST_F(HostOutputTest, AFullPipeWouldBlockAndOthersStayBlocking) {
  Pair pipe = MakePipe();
  HostOutput output(Dup(pipe.writer));
  const HostOutput::Result first = WriteText(output, std::string(1 << 20, 'x'));
  EXPECT_TRUE(first.would_block);
  EXPECT_GE(first.written, 4096u);
  EXPECT_EQ(first.error, 0);
  EXPECT_FALSE(IsNonBlocking(pipe.writer.get()));
  EXPECT_TRUE(WriteText(output, "y").would_block);

  std::string drained(first.written, 0);
  EXPECT_EQ(read(pipe.reader.get(), drained.data(), drained.size()),
            static_cast<ssize_t>(first.written));
  pollfd wanted = {output.poll_fd(), POLLOUT, 0};
  EXPECT_EQ(poll(&wanted, 1, 0), 1);
  EXPECT_EQ(WriteText(output, "y").written, 1u);
}

TEST_F(HostOutputTest, ABrokenPipeIsAnError) {
  Pair pipe = MakePipe();
  HostOutput output(Dup(pipe.writer));
  pipe.reader.reset();
  const HostOutput::Result result = WriteText(output, "x");
  EXPECT_EQ(result.error, EPIPE);
  EXPECT_EQ(result.written, 0u);
}

TEST_F(HostOutputTest, AFullSocketWouldBlock) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  UniqueFd peer(fds[0]);
  UniqueFd mine(fds[1]);
  HostOutput output(Dup(mine));
  const HostOutput::Result result =
      WriteText(output, std::string(8 << 20, 'x'));
  EXPECT_TRUE(result.would_block);
  EXPECT_GT(result.written, 0u);
  EXPECT_FALSE(IsNonBlocking(mine.get()));
  peer.reset();
  EXPECT_EQ(WriteText(output, "x").error, EPIPE);
}

TEST_F(HostOutputTest, AStoppedTerminalWouldBlock) {
  int master, slave;
  ASSERT_EQ(openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  UniqueFd owned_master(master), owned_slave(slave);
  HostOutput output(Dup(owned_slave));
  const HostOutput::Result result =
      WriteText(output, std::string(1 << 20, 'x'));
  EXPECT_TRUE(result.would_block);
  EXPECT_GT(result.written, 0u);
  EXPECT_FALSE(IsNonBlocking(slave));
}

TEST_F(HostOutputTest, APtyMasterIsNotOpenedAnew) {
  int master, slave;
  ASSERT_EQ(openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  UniqueFd owned_master(master), owned_slave(slave);
  HostOutput output(Dup(owned_master));
  EXPECT_EQ(WriteText(output, "typed\n").written, 6u);
  char line[16];
  EXPECT_EQ(read(slave, line, sizeof(line)), 6);
  EXPECT_FALSE(IsNonBlocking(master));
}

TEST_F(HostOutputTest, RegularFilesShareTheirOffset) {
  FILE* file = tmpfile();
  ASSERT_NE(file, nullptr);
  HostOutput output(UniqueFd(dup(fileno(file))));
  EXPECT_EQ(WriteText(output, "abc").written, 3u);
  EXPECT_EQ(write(fileno(file), "def", 3), 3);
  EXPECT_EQ(WriteText(output, "ghi").written, 3u);
  char text[10] = {};
  EXPECT_EQ(pread(fileno(file), text, 9, 0), 9);
  EXPECT_STREQ(text, "abcdefghi");
  fclose(file);
}

TEST_F(HostOutputTest, ReadOnlyDescriptorsStayReadOnly) {
  Pair pipe = MakePipe();
  HostOutput output(Dup(pipe.reader));
  EXPECT_EQ(WriteText(output, "x").error, EBADF);
}

TEST_F(HostOutputTest, GathersManyBuffers) {
  Pair pipe = MakePipe();
  HostOutput output(Dup(pipe.writer));
  std::vector<std::string> texts;
  std::vector<iovec> buffers;
  std::string expected;
  for (int i = 0; i < 3000; ++i) texts.push_back(std::to_string(i));
  texts[5].clear();
  for (std::string& text : texts) {
    buffers.push_back({text.data(), text.size()});
    expected += text;
  }
  const HostOutput::Result result = output.Write(buffers);
  EXPECT_EQ(result.written, expected.size());
  std::string got(expected.size(), 0);
  EXPECT_EQ(read(pipe.reader.get(), got.data(), got.size()),
            static_cast<ssize_t>(got.size()));
  EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace crvm
