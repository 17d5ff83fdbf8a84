// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets: the three types, names, connections, what travels beside data.
#include "guestkernel/net/unix_socket.h"

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/fs/testing/fs_test.h"
#include "guestkernel/net/syscalls.h"

namespace gk {
namespace {

const char* const kNull = nullptr;
constexpr uint32_t kNoWait = kMsgDontWait | kMsgNoSignal;

struct Name {  // struct sockaddr_un
  uint16_t family = kAfUnix;
  char path[108] = {};
};

Name Path(const char* path) {
  Name name;
  strncpy(name.path, path, sizeof(name.path) - 1);
  return name;
}

class UnixSocketTest : public FsTest {
 protected:
  void Pair(int type) {
    int32_t fds[2];
    ASSERT_EQ(Call(SysSocketpair, kAfUnix, type, 0, fds), 0);
    a_ = fds[0], b_ = fds[1];
  }
  static int New(int type) { return Call(SysSocket, kAfUnix, type, 0); }
  static int64_t Bind(int fd, const Name& name, uint32_t n = sizeof(Name)) {
    return Call(SysBind, fd, &name, n);
  }
  static int64_t Connect(int fd, const Name& name, uint32_t n = sizeof(Name)) {
    return Call(SysConnect, fd, &name, n);
  }
  static int Listener(const char* path, int backlog = 5,
                      int type = kSockStream) {
    int fd = New(type);
    EXPECT_EQ(Bind(fd, Path(path)), 0);
    EXPECT_EQ(Call(SysListen, fd, backlog), 0);
    return fd;
  }
  static int64_t Send(int fd, const std::string& text,
                      uint32_t flags = kNoWait) {
    return Call(SysSendto, fd, text.data(), text.size(), flags, kNull, 0);
  }
  static std::string Receive(int fd, size_t n = 4096,
                             uint32_t flags = kMsgDontWait) {
    std::string text(n, 0);
    int64_t got = Call(SysRecvfrom, fd, text.data(), n, flags, kNull, kNull);
    if (got < 0) return "error " + std::to_string(got);
    text.resize(std::min<size_t>(n, got));
    return text;
  }
  uint32_t Events(int fd) {
    return process()->files->Get(fd)->Poll(nullptr) &
           (kPollIn | kPollOut | kPollHup | kPollErr | kPollRdHup);
  }
  int a_ = -1, b_ = -1;
};

TEST_F(UnixSocketTest, Stream) {
  Pair(kSockStream);
  EXPECT_EQ(Receive(b_), "error -11");
  EXPECT_EQ(Send(a_, "one "), 4);
  EXPECT_EQ(Send(a_, "two"), 3);
  EXPECT_EQ(Receive(b_, 2, kMsgPeek), "on");
  EXPECT_EQ(Receive(b_, 6), "one tw");
  EXPECT_EQ(Receive(b_), "o");
  EXPECT_EQ(Send(b_, "back"), 4);
  EXPECT_EQ(ReadText(a_), "back");
}

TEST_F(UnixSocketTest, Messages) {
  for (int type : {kSockDgram, kSockSeqPacket}) {
    Pair(type);
    EXPECT_EQ(Send(a_, "first"), 5);
    EXPECT_EQ(Send(a_, ""), 0);
    EXPECT_EQ(Send(a_, "third"), 5);
    EXPECT_EQ(Receive(b_, 9, kMsgPeek), "first");
    char buffer[2];
    EXPECT_EQ(
        Call(SysRecvfrom, b_, buffer, 2, uint32_t{kMsgTrunc}, kNull, kNull),
        5);  // the rest is lost
    EXPECT_EQ(Receive(b_), "");
    EXPECT_EQ(Receive(b_), "third");
    EXPECT_EQ(Receive(b_), "error -11");
    EXPECT_EQ(Send(a_, std::string(300000, 'x')), -EMSGSIZE);
  }
}

// What poll calls writable takes something, of whatever size.
TEST_F(UnixSocketTest, WritableMeansThatASendSucceeds) {
  for (int type : {kSockStream, kSockSeqPacket}) {
    for (size_t size : {1u, 5000u, 65536u, 200000u}) {
      Pair(type);
      int sends = 0;
      while (Events(a_) & kPollOut) {
        ASSERT_GT(Send(a_, std::string(size, 'x')), 0) << size;
        ++sends;
      }
      EXPECT_GT(sends, 0);
      while (Send(a_, std::string(size, 'x')) > 0) continue;
      EXPECT_EQ(Send(a_, "x"), -EAGAIN);
      while (Receive(b_, 100000)[0] == 'x') continue;
      EXPECT_TRUE(Events(a_) & kPollOut);
    }
  }
}

TEST_F(UnixSocketTest, SenderWaitsForSpace) {
  Pair(kSockStream);
  Thread* sender =
      Spawn([&] { EXPECT_EQ(Send(a_, std::string(1 << 20, 'x'), 0), 1 << 20); },
            process());
  std::string all;
  while (all.size() < 1 << 20) all += Receive(b_, 70000, 0);
  Join(sender);
  EXPECT_EQ(all, std::string(1 << 20, 'x'));
}

TEST_F(UnixSocketTest, OneMessageServesSeveralReaders) {
  Pair(kSockStream);
  std::string first, second;
  Thread* a = Spawn([&] { first = Receive(b_, 2, 0); }, process());
  Thread* b = Spawn([&] { second = Receive(b_, 2, 0); }, process());
  RunOthers();
  EXPECT_EQ(Send(a_, "1234"), 4);
  Join(a);
  Join(b);
  EXPECT_EQ(first.size() + second.size(), 4u);
}

TEST_F(UnixSocketTest, PeerClosed) {
  Pair(kSockStream);
  Send(a_, "last");
  Close(a_);
  EXPECT_EQ(Events(b_), kPollIn | kPollOut | kPollHup | kPollRdHup);
  EXPECT_EQ(Receive(b_), "last");
  EXPECT_EQ(Receive(b_), "");
  EXPECT_EQ(Send(b_, "x"), -EPIPE);
  Pair(kSockStream);
  Send(a_, "unread");
  Close(b_);
  EXPECT_EQ(Receive(a_), "error -104");  // ECONNRESET, once
  EXPECT_EQ(Receive(a_), "");
  Pair(kSockDgram);
  Close(b_);
  EXPECT_EQ(Send(a_, "x"), -ECONNREFUSED);
}

TEST_F(UnixSocketTest, Shutdown) {
  Pair(kSockStream);
  EXPECT_EQ(Call(SysShutdown, a_, 3), -EINVAL);
  EXPECT_EQ(Call(SysShutdown, a_, int{kShutWrite}), 0);
  EXPECT_EQ(Send(a_, "x"), -EPIPE);
  EXPECT_EQ(Receive(b_), "");
  EXPECT_EQ(Events(b_), kPollIn | kPollOut | kPollRdHup);
  EXPECT_EQ(Send(b_, "y"), 1);
  EXPECT_EQ(Receive(a_), "y");
  EXPECT_EQ(Call(SysShutdown, New(kSockStream), 0), -ENOTCONN);
}

TEST_F(UnixSocketTest, ConnectAndAccept) {
  int listener = Listener("/s");
  int client = New(kSockStream);
  EXPECT_EQ(Send(client, "x"), -ENOTCONN);
  EXPECT_EQ(Connect(client, Path("/none")), -ENOENT);
  EXPECT_EQ(Connect(New(kSockDgram), Path("/s")), -EPROTOTYPE);
  EXPECT_EQ(Events(listener), 0u);
  EXPECT_EQ(Connect(client, Path("/s")), 0);
  EXPECT_EQ(Connect(client, Path("/s")), -EISCONN);
  EXPECT_EQ(Events(listener), kPollIn);
  EXPECT_EQ(Send(client, "early"), 5);
  int server = Call(SysAccept, listener, kNull, kNull);
  EXPECT_EQ(Receive(server), "early");
  Name name;
  uint32_t length = sizeof(name);
  EXPECT_EQ(Call(SysGetpeername, client, &name, &length), 0);
  EXPECT_EQ(length, 5u);  // family, path, one terminator
  EXPECT_STREQ(name.path, "/s");
  EXPECT_EQ(Bind(New(kSockStream), Path("/s")), -EADDRINUSE);
  Close(listener);
  EXPECT_EQ(Connect(New(kSockStream), Path("/s")), -ECONNREFUSED);
}

TEST_F(UnixSocketTest, Backlog) {
  int listener = Listener("/s", 0);
  int first = New(kSockStream);
  EXPECT_EQ(Connect(first, Path("/s")), 0);
  int busy = New(int{kSockStream} | kOpenNonblock);
  EXPECT_EQ(Connect(busy, Path("/s")), -EAGAIN);
  int second = New(kSockStream);
  Thread* waiter =
      Spawn([&] { EXPECT_EQ(Connect(second, Path("/s")), 0); }, process());
  RunOthers();
  EXPECT_EQ(waiter->state, ThreadState::kBlocked);
  EXPECT_GE(Call(SysAccept, listener, kNull, kNull), 0);
  Join(waiter);
  Close(listener);  // what was not accepted is reset
  EXPECT_EQ(Receive(second), "error -104");
}

TEST_F(UnixSocketTest, ShutDownListener) {
  int listener = Listener("/s");
  Thread* waiter = Spawn(
      [&] { EXPECT_EQ(Call(SysAccept, listener, kNull, kNull), -EINVAL); },
      process());
  RunOthers();
  EXPECT_EQ(Call(SysShutdown, listener, int{kShutBoth}), 0);
  Join(waiter);
  EXPECT_EQ(Connect(New(kSockStream), Path("/s")), -ECONNREFUSED);
}

TEST_F(UnixSocketTest, AbstractNames) {
  Name name;
  memcpy(name.path, "\0hidden", 7);
  int fd = New(kSockDgram);
  EXPECT_EQ(Bind(fd, name, 9), 0);
  EXPECT_EQ(Bind(New(kSockDgram), name, 9), -EADDRINUSE);
  int client = New(kSockDgram);
  EXPECT_EQ(Connect(client, name, 8), -ECONNREFUSED);  // another name
  EXPECT_EQ(Connect(client, name, 9), 0);
  EXPECT_EQ(Send(client, "x"), 1);
  EXPECT_EQ(Receive(fd), "x");
  Close(fd);
  EXPECT_EQ(Connect(New(kSockDgram), name, 9), -ECONNREFUSED);
}

TEST_F(UnixSocketTest, ConnectedDatagramSocketHearsItsPeerOnly) {
  Name name = Path("/d");
  int server = New(kSockDgram), other = New(kSockDgram);
  EXPECT_EQ(Bind(server, name), 0);
  EXPECT_EQ(Bind(other, Path("/o")), 0);
  EXPECT_EQ(Connect(server, Path("/o")), 0);
  EXPECT_EQ(Call(SysSendto, New(kSockDgram), "x", 1, 0, &name, sizeof(name)),
            -EPERM);
  EXPECT_EQ(Call(SysSendto, other, "x", 1, 0, &name, sizeof(name)), 1);
}

}  // namespace
}  // namespace gk
