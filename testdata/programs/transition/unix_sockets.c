// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets: a listening one with a connection that nobody has accepted yet
// and data in it, connected streams with data in both directions, one shut down
// half-way, a bound datagram socket, an abstract name, options, peer
// credentials.

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "testdata/programs/lib/transition.h"

static socklen_t address(struct sockaddr_un *a, const char *name,
                         int abstract) {
  memset(a, 0, sizeof *a);
  a->sun_family = AF_UNIX;
  snprintf(a->sun_path + abstract, sizeof a->sun_path - abstract, "%s", name);
  return offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name) +
         !abstract;
}

static void expect(int fd, const char *text) {
  char buffer[64] = "";
  CHECK(read(fd, buffer, sizeof buffer) == (ssize_t)strlen(text));
  CHECK(memcmp(buffer, text, strlen(text)) == 0);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  struct sockaddr_un stream_name, dgram_name, got;
  char abstract[64];
  snprintf(abstract, sizeof abstract, "crvm-test-%d", (int)getpid());
  socklen_t n = address(&stream_name, temp_path("stream"), 0);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(bind(listener, (void *)&stream_name, n) == 0 &&
        listen(listener, 5) == 0);
  int early = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(connect(early, (void *)&stream_name, n) == 0);
  CHECK(write(early, "before accept", 13) == 13);
  socklen_t m = address(&dgram_name, abstract, 1);
  int dgram = socket(AF_UNIX, SOCK_DGRAM, 0), sender;
  CHECK(bind(dgram, (void *)&dgram_name, m) == 0);
  sender = socket(AF_UNIX, SOCK_DGRAM, 0);
  CHECK(sendto(sender, "one", 3, 0, (void *)&dgram_name, m) == 3);
  CHECK(sendto(sender, "three", 5, 0, (void *)&dgram_name, m) == 5);
  int pair[2], half[2], size = 100000, value;
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, half) == 0);
  CHECK(write(pair[0], "to the right", 12) == 12);
  CHECK(write(pair[1], "to the left", 11) == 11);
  CHECK(write(half[0], "last words", 10) == 10);
  CHECK(shutdown(half[0], SHUT_WR) == 0);
  CHECK(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
  socklen_t length = sizeof value;
  int before = 0;
  CHECK(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &before, &length) == 0);
  ready();
  await_release();
  int accepted = accept(listener, NULL, NULL);
  CHECK(accepted >= 0);
  expect(accepted, "before accept");
  CHECK(write(accepted, "hello", 5) == 5);
  expect(early, "hello");
  int late = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(connect(late, (void *)&stream_name, n) == 0);
  expect(dgram, "one");
  expect(dgram, "three");
  CHECK(sendto(sender, "more", 4, 0, (void *)&dgram_name, m) == 4);
  expect(dgram, "more");
  expect(pair[1], "to the right");
  expect(pair[0], "to the left");
  expect(half[1], "last words");
  expect(half[1], "");
  CHECK(write(half[1], "x", 1) == 1);
  expect(half[0], "x");
  CHECK(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, &length) == 0);
  CHECK(value == before);
  length = sizeof got;
  CHECK(getsockname(listener, (void *)&got, &length) == 0 && length == n);
  CHECK(strcmp(got.sun_path, stream_name.sun_path) == 0);
  struct ucred peer;
  length = sizeof peer;
  CHECK(getsockopt(early, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0);
  CHECK(peer.pid == getpid() && peer.uid == getuid());
  return pass();
}
