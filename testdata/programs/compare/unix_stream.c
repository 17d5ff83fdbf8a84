// SPDX-License-Identifier: Apache-2.0
//
// Stream sockets: pairs, bind, listen, accept, non-blocking connect and accept,
// shutdown, SCM_RIGHTS, credentials, options, message flags, errors.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "testdata/programs/lib/check.h"

static struct sockaddr_un address(const char *name) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  snprintf(a.sun_path, sizeof a.sun_path, "%s", temp_path(name));
  return a;
}

static int server(const struct sockaddr_un *a, int backlog) {
  int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(s >= 0 && bind(s, (const void *)a, sizeof *a) == 0);
  CHECK(listen(s, backlog) == 0);
  return s;
}

static void pairs(void) {
  int p[2];
  char b[32] = "";
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) == 0);
  CHECK_FAILS(read(p[0], b, 1), EAGAIN);
  CHECK(write(p[0], "one", 3) == 3 && send(p[0], "two", 3, MSG_NOSIGNAL) == 3);
  int n;
  CHECK(ioctl(p[1], FIONREAD, &n) == 0 && n == 6);
  CHECK(recv(p[1], b, 4, MSG_PEEK) == 4 && memcmp(b, "onet", 4) == 0);
  CHECK(recv(p[1], b, sizeof b, 0) == 6 && memcmp(b, "onetwo", 6) == 0);
  CHECK(shutdown(p[0], SHUT_WR) == 0 && read(p[1], b, 1) == 0);
  CHECK(write(p[1], "back", 4) == 4 && read(p[0], b, 32) == 4);
  CHECK_FAILS(send(p[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  close(p[0]);
  CHECK_FAILS(send(p[1], "x", 1, MSG_NOSIGNAL), EPIPE);
  CHECK_FAILS(lseek(p[1], 0, SEEK_CUR), ESPIPE);
  close(p[1]);
}

static void client_and_server(void) {
  struct sockaddr_un a = address("socket"), got;
  int s = server(&a, 8);
  pid_t pid = must_fork();
  if (pid == 0) {
    char b[16] = "";
    int c = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(connect(c, (void *)&a, sizeof a) == 0);
    CHECK(write(c, "question", 8) == 8 && read(c, b, 16) == 6);
    CHECK(memcmp(b, "answer", 6) == 0 && read(c, b, 16) == 0);
    _exit(0);
  }
  socklen_t length = sizeof got;
  int c = accept4(s, (void *)&got, &length, SOCK_CLOEXEC);
  CHECK(c >= 0 && length == sizeof(sa_family_t));
  struct ucred peer;
  length = sizeof peer;
  CHECK(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0);
  CHECK(peer.pid == pid && peer.uid == getuid());
  char b[16] = "";
  CHECK(read(c, b, 16) == 8 && memcmp(b, "question", 8) == 0);
  CHECK(write(c, "answer", 6) == 6 && close(c) == 0);
  reap(pid);
  int type = 0, listening = 0;
  length = sizeof type;
  CHECK(getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &length) == 0);
  CHECK(getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0);
  printf("type %d listening %d\n", type == SOCK_STREAM, listening);
  length = sizeof got;
  CHECK(getsockname(s, (void *)&got, &length) == 0);
  CHECK(strcmp(got.sun_path, a.sun_path) == 0);
  close(s);
  c = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_FAILS(connect(c, (void *)&a, sizeof a), ECONNREFUSED);
  int again = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_FAILS(bind(again, (void *)&a, sizeof a), EADDRINUSE);
  CHECK(unlink(a.sun_path) == 0);
  CHECK_FAILS(connect(c, (void *)&a, sizeof a), ENOENT);
  CHECK_FAILS(getpeername(c, (void *)&got, &length), ENOTCONN);
  CHECK_FAILS(read(c, b, 1), EINVAL);
}

static void non_blocking(void) {
  struct sockaddr_un a = address("nonblocking");
  int s = server(&a, 1), c[4];
  CHECK(fcntl(s, F_SETFL, O_NONBLOCK) == 0);
  CHECK_FAILS(accept(s, NULL, NULL), EAGAIN);
  int connected = 0;
  for (int i = 0; i < 4; ++i) {
    c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connected += connect(c[i], (void *)&a, sizeof a) == 0;
  }
  printf("connected with backlog 1: %d\n", connected);
  struct pollfd f = {s, POLLIN, 0};
  CHECK(poll(&f, 1, 0) == 1 && f.revents == POLLIN);
  CHECK(write(c[0], "early", 5) == 5);
  int p = accept(s, NULL, NULL);
  char b[8];
  CHECK(p >= 0 && read(p, b, 8) == 5);
  CHECK((fcntl(p, F_GETFL) & O_NONBLOCK) == 0);
}

static void send_fd(int socket, int fd) {
  char control[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec iov = {"f", 1};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
  m.msg_controllen = sizeof control;
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  *c = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  CHECK(sendmsg(socket, &m, 0) == 1);
}

static void passing_descriptors(void) {
  int p[2], line[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0 && pipe(line) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    send_fd(p[1], line[1]);
    _exit(0);
  }
  close(line[1]);
  reap(pid);
  char control[64], data[4];
  struct iovec iov = {data, sizeof data};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
  m.msg_controllen = sizeof control;
  CHECK(recvmsg(p[0], &m, MSG_CMSG_CLOEXEC) == 1);
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  CHECK(c != NULL && c->cmsg_type == SCM_RIGHTS && CMSG_NXTHDR(&m, c) == NULL);
  int fd;
  memcpy(&fd, CMSG_DATA(c), sizeof fd);
  CHECK(write(fd, "through", 7) == 7 && close(fd) == 0);
  char b[8];
  CHECK(read(line[0], b, 8) == 7 && read(line[0], b, 8) == 0);
  // A descriptor in a message that nobody receives is closed with the socket.
  CHECK(pipe(line) == 0);
  send_fd(p[1], line[1]);
  close(line[1]);
  close(p[0]);
  close(p[1]);
  CHECK(read(line[0], b, 8) == 0);
  printf("descriptors passed\n");
}

static void large(void) {
  enum { kBytes = 1 << 20 };
  int p[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    close(p[0]);
    char *b = malloc(kBytes);
    for (int i = 0; i < kBytes; ++i) b[i] = (char)(i % 253);
    for (int done = 0; done < kBytes;) {
      ssize_t n = write(p[1], b + done, kBytes - done);
      CHECK(n > 0);
      done += n;
    }
    _exit(0);
  }
  close(p[1]);
  char b[10000];
  int done = 0;
  ssize_t n;
  while ((n = recv(p[0], b, sizeof b, MSG_WAITALL)) > 0) {
    for (int i = 0; i < n; ++i) CHECK(b[i] == (char)((done + i) % 253));
    done += n;
  }
  printf("received %d\n", done);
  reap(pid);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  pairs();
  client_and_server();
  non_blocking();
  passing_descriptors();
  large();
  return 0;
}
