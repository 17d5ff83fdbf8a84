// SPDX-License-Identifier: Apache-2.0
//
// Datagram and sequenced-packet sockets: boundaries, truncation, names,
// abstract names, unconnected use, queue limits, errors.

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "testdata/programs/lib/check.h"

static socklen_t abstract(struct sockaddr_un *a, const char *suffix) {
  memset(a, 0, sizeof *a);
  a->sun_family = AF_UNIX;
  int n = snprintf(a->sun_path + 1, 60, "crvm-%d-%s", (int)getpid(), suffix);
  return offsetof(struct sockaddr_un, sun_path) + 1 + n;
}

static void pair(int type, const char *name) {
  int p[2];
  char b[16] = "";
  CHECK(socketpair(AF_UNIX, type, 0, p) == 0);
  CHECK(write(p[0], "first", 5) == 5 && write(p[0], "second", 6) == 6);
  CHECK(read(p[1], b, sizeof b) == 5 && memcmp(b, "first", 5) == 0);
  struct iovec iov = {b, 3};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
  CHECK(recvmsg(p[1], &m, 0) == 3 && (m.msg_flags & MSG_TRUNC));
  CHECK_FAILS(recv(p[1], b, 16, MSG_DONTWAIT), EAGAIN);
  CHECK(send(p[0], "long message", 12, 0) == 12);
  CHECK(recv(p[1], b, 4, MSG_TRUNC) == 12);
  CHECK(send(p[0], "", 0, 0) == 0 && recv(p[1], b, 16, MSG_DONTWAIT) == 0);
  CHECK_FAILS(recv(p[1], b, 16, MSG_DONTWAIT), EAGAIN);
  int n = 0;
  while (send(p[0], b, 16, MSG_DONTWAIT) == 16) ++n;
  CHECK(errno == EAGAIN && n > 5);
  close(p[0]);
  while (n > 0) {
    CHECK(recv(p[1], b, 16, 0) == 16);
    --n;
  }
  if (type == SOCK_SEQPACKET) CHECK(recv(p[1], b, 16, 0) == 0);
  CHECK_FAILS(send(p[1], "x", 1, MSG_NOSIGNAL),
              type == SOCK_SEQPACKET ? EPIPE : ECONNREFUSED);
  printf("%s: ok\n", name);
}

static void names(void) {
  struct sockaddr_un server_name, client_name, from;
  socklen_t sn = abstract(&server_name, "server");
  socklen_t cn = abstract(&client_name, "client"), length = sizeof from;
  int server = socket(AF_UNIX, SOCK_DGRAM, 0);
  int client = socket(AF_UNIX, SOCK_DGRAM, 0);
  CHECK(bind(server, (void *)&server_name, sn) == 0);
  CHECK(bind(client, (void *)&client_name, cn) == 0);
  char b[16] = "";
  CHECK(sendto(client, "ping", 4, 0, (void *)&server_name, sn) == 4);
  CHECK(recvfrom(server, b, 16, 0, (void *)&from, &length) == 4);
  CHECK(length == cn && memcmp(&from, &client_name, cn) == 0);
  CHECK(sendto(server, "pong", 4, 0, (void *)&from, length) == 4);
  CHECK(recv(client, b, 16, 0) == 4 && memcmp(b, "pong", 4) == 0);
  CHECK(connect(client, (void *)&server_name, sn) == 0);
  CHECK(send(client, "connected", 9, 0) == 9 && recv(server, b, 16, 0) == 9);
  length = sizeof from;
  CHECK(getpeername(client, (void *)&from, &length) == 0 && length == sn);
  int other = socket(AF_UNIX, SOCK_DGRAM, 0);
  CHECK_FAILS(bind(other, (void *)&server_name, sn), EADDRINUSE);
  CHECK_FAILS(send(other, "x", 1, 0), ENOTCONN);
  close(server);
  CHECK_FAILS(send(client, "x", 1, 0), ECONNREFUSED);
  CHECK_FAILS(sendto(other, "x", 1, 0, (void *)&server_name, sn), ECONNREFUSED);
  CHECK_FAILS(listen(other, 1), EOPNOTSUPP);
  CHECK_FAILS(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
  CHECK_FAILS(socket(12345, SOCK_STREAM, 0), EAFNOSUPPORT);
  CHECK_FAILS(bind(0, (void *)&server_name, sn), ENOTSOCK);
  printf("names: ok\n");
}

int main(void) {
  pair(SOCK_DGRAM, "datagram");
  pair(SOCK_SEQPACKET, "sequenced packet");
  names();
  return 0;
}
