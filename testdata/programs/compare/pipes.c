// SPDX-License-Identifier: Apache-2.0
//
// Pipes: blocking and not, capacity, atomicity, end of file, FIONREAD, poll,
// tee and splice's plain cases, dup, large transfers.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "testdata/programs/lib/check.h"

static void basics(void) {
  int p[2];
  char b[16];
  CHECK(pipe2(p, O_NONBLOCK | O_CLOEXEC) == 0);
  CHECK(fcntl(p[0], F_GETFD) == FD_CLOEXEC);
  CHECK_FAILS(read(p[0], b, 1), EAGAIN);
  CHECK_FAILS(write(p[0], b, 1), EBADF);
  CHECK_FAILS(read(p[1], b, 1), EBADF);
  CHECK_FAILS(lseek(p[0], 0, SEEK_CUR), ESPIPE);
  CHECK(write(p[1], "abc", 3) == 3 && write(p[1], "def", 3) == 3);
  int n;
  CHECK(ioctl(p[0], FIONREAD, &n) == 0 && n == 6);
  CHECK(read(p[0], b, 4) == 4 && memcmp(b, "abcd", 4) == 0);
  CHECK(read(p[0], b, 16) == 2 && memcmp(b, "ef", 2) == 0);
  int twin = dup(p[1]);
  close(p[1]);
  CHECK_FAILS(read(p[0], b, 1), EAGAIN);  // a writer is left
  close(twin);
  CHECK(read(p[0], b, 1) == 0);
  close(p[0]);
}

static void capacity(void) {
  int p[2], total = 0;
  static char block[4096];
  CHECK(pipe2(p, O_NONBLOCK) == 0);
  while (write(p[1], block, sizeof block) == sizeof block) total += 4096;
  CHECK(errno == EAGAIN);
  printf("capacity %d, %d\n", total, fcntl(p[0], F_GETPIPE_SZ));
  CHECK(read(p[0], block, 100) == 100);
  CHECK_FAILS(write(p[1], block, 4096), EAGAIN);  // atomic: all or nothing
  CHECK(fcntl(p[1], F_SETPIPE_SZ, 200000) >= 200000);
  CHECK(write(p[1], block, 4096) == 4096);
}

static void polling(void) {
  int p[2];
  CHECK(pipe(p) == 0);
  struct pollfd f[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
  CHECK(poll(f, 2, 0) == 1 && f[0].revents == 0 && f[1].revents == POLLOUT);
  CHECK(write(p[1], "x", 1) == 1);
  CHECK(poll(f, 2, 0) == 2 && f[0].revents == POLLIN);
  close(p[1]);
  CHECK(poll(f, 1, 0) == 1 && f[0].revents == (POLLIN | POLLHUP));
  char c;
  CHECK(read(p[0], &c, 1) == 1 && poll(f, 1, 0) == 1 &&
        f[0].revents == POLLHUP);
  int q[2];
  CHECK(pipe(q) == 0);
  close(q[0]);
  struct pollfd g = {q[1], POLLOUT, 0};
  CHECK(poll(&g, 1, 0) == 1 && (g.revents & POLLERR));
}

// A megabyte through two processes, in odd sizes.
static void transfer(void) {
  enum { kBytes = 1000003 };
  int p[2], q[2];
  CHECK(pipe(p) == 0 && pipe(q) == 0);
  pid_t source = must_fork();
  if (source == 0) {
    unsigned char b[7001];
    for (int done = 0; done < kBytes;) {
      int n = kBytes - done < 7001 ? kBytes - done : 7001;
      for (int i = 0; i < n; ++i) b[i] = (unsigned char)((done + i) % 251);
      CHECK(write(p[1], b, n) == n);
      done += n;
    }
    _exit(0);
  }
  pid_t middle = must_fork();
  close(p[1]);
  if (middle == 0) {
    unsigned char b[300];
    ssize_t n;
    while ((n = read(p[0], b, sizeof b)) > 0) {
      for (int i = 0; i < n; ++i) b[i] ^= 0xff;
      CHECK(write(q[1], b, n) == n);
    }
    _exit(0);
  }
  close(q[1]);
  unsigned char b[65536];
  int done = 0;
  ssize_t n;
  while ((n = read(q[0], b, sizeof b)) > 0) {
    for (int i = 0; i < n; ++i) {
      CHECK(b[i] == (unsigned char)((done + i) % 251 ^ 0xff));
    }
    done += n;
  }
  printf("transferred %d\n", done);
  reap(source);
  reap(middle);
}

// Writes up to PIPE_BUF do not mix.
static void atomic_writes(void) {
  int p[2];
  CHECK(pipe(p) == 0);
  pid_t pids[3];
  for (int w = 0; w < 3; ++w) {
    pids[w] = must_fork();
    if (pids[w] == 0) {
      char record[512];
      memset(record, 'a' + w, sizeof record);
      for (int i = 0; i < 200; ++i) CHECK(write(p[1], record, 512) == 512);
      _exit(0);
    }
  }
  close(p[1]);
  char record[512];
  int counts[3] = {0, 0, 0};
  for (int i = 0; i < 600; ++i) {
    for (int have = 0; have < 512;) {
      ssize_t n = read(p[0], record + have, 512 - have);
      CHECK(n > 0);
      have += n;
    }
    for (int k = 1; k < 512; ++k) CHECK(record[k] == record[0]);
    counts[record[0] - 'a']++;
  }
  printf("records %d %d %d\n", counts[0], counts[1], counts[2]);
  for (int w = 0; w < 3; ++w) reap(pids[w]);
}

int main(void) {
  basics();
  capacity();
  polling();
  transfer();
  atomic_writes();
  return 0;
}
