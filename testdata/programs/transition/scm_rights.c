// SPDX-License-Identifier: Apache-2.0
//
// A socketpair with messages in its queue that carry file descriptors, which
// at the snapshot exist nowhere else: the read end of a pipe with data in it
// and a file with an offset.

#include <fcntl.h>
#include <sys/socket.h>

#include "testdata/programs/lib/transition.h"

static void send_fds(int socket, const char *text, const int *fds, int n) {
  char control[CMSG_SPACE(sizeof(int) * 2)] = {0};
  struct iovec iov = {(void *)text, strlen(text)};
  struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
  msg.msg_control = control;
  msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
  struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int) * n);
  memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
  CHECK(sendmsg(socket, &msg, 0) == (ssize_t)strlen(text));
}

static void receive_fds(int socket, const char *text, int *fds, int n) {
  char control[CMSG_SPACE(sizeof(int) * 2)], buffer[64] = "";
  struct iovec iov = {buffer, sizeof buffer};
  struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
  msg.msg_control = control;
  msg.msg_controllen = sizeof control;
  CHECK(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) == (ssize_t)strlen(text));
  CHECK(strcmp(buffer, text) == 0);
  struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
  CHECK(c != NULL && c->cmsg_type == SCM_RIGHTS);
  CHECK(c->cmsg_len == CMSG_LEN(sizeof(int) * n));
  memcpy(fds, CMSG_DATA(c), sizeof(int) * n);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  int pair[2], line[2], fds[2];
  CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
  CHECK(pipe(line) == 0);
  int file = open(temp_path("file"), O_RDWR | O_CREAT, 0600);
  CHECK(file >= 0 && write(file, "0123456789", 10) == 10);
  CHECK(lseek(file, 4, SEEK_SET) == 4);
  CHECK(write(line[1], "in the pipe", 11) == 11);
  send_fds(pair[0], "first", (int[]){line[0], file}, 2);
  send_fds(pair[0], "second", (int[]){line[1]}, 1);
  close(line[0]);
  close(line[1]);
  close(file);
  ready();
  await_release();
  char buffer[16] = "";
  receive_fds(pair[1], "first", fds, 2);
  CHECK(fcntl(fds[0], F_GETFD) == FD_CLOEXEC);
  CHECK(read(fds[1], buffer, sizeof buffer) == 6);
  CHECK(memcmp(buffer, "456789", 6) == 0);
  CHECK(read(fds[0], buffer, sizeof buffer) == 11);
  CHECK(memcmp(buffer, "in the pipe", 11) == 0);
  int writer;
  receive_fds(pair[1], "second", &writer, 1);
  CHECK(write(writer, "x", 1) == 1);
  CHECK(read(fds[0], buffer, 1) == 1 && buffer[0] == 'x');
  close(writer);
  CHECK(read(fds[0], buffer, 1) == 0);
  return pass();
}
