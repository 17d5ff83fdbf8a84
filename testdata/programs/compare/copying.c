// SPDX-License-Identifier: Apache-2.0
//
// sendfile, copy_file_range, splice, tee and vmsplice-free copying; what a
// program does when they are refused is up to it, so refusals are errors here
// only where Linux has none.

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "testdata/programs/lib/check.h"

enum { kSize = 200000 };
static unsigned char data[kSize], back[kSize];

static int source(void) {
  int fd = open(temp_path("source"), O_RDWR | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0 && write(fd, data, kSize) == kSize);
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

static int target(void) {
  int fd = open(temp_path("target"), O_RDWR | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0);
  return fd;
}

static void verify(int fd, int from, int n) {
  CHECK(pread(fd, back, kSize, 0) == n && memcmp(back, data + from, n) == 0);
}

static void with_sendfile(void) {
  int in = source(), out = target();
  off_t at = 5000;
  CHECK(sendfile(out, in, &at, 100000) == 100000 && at == 105000);
  CHECK(lseek(in, 0, SEEK_CUR) == 0);
  verify(out, 5000, 100000);
  out = target();
  CHECK(sendfile(out, in, NULL, kSize * 2) == kSize);
  CHECK(sendfile(out, in, NULL, 10) == 0);
  verify(out, 0, kSize);
  int p[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
  at = 100;
  CHECK(sendfile(p[0], in, &at, 5000) == 5000);
  CHECK(recv(p[1], back, 5000, MSG_WAITALL) == 5000);
  CHECK(memcmp(back, data + 100, 5000) == 0);
  CHECK_FAILS(sendfile(out, p[0], NULL, 10), EINVAL);
}

static void with_copy_file_range(void) {
  int in = source(), out = target();
  off_t from = 10, to = 20;
  ssize_t n = copy_file_range(in, &from, out, &to, 50000, 0);
  if (n < 0 && (errno == EXDEV || errno == ENOSYS || errno == EOPNOTSUPP))
    return;
  CHECK(n == 50000 && from == 50010 && to == 50020);
  CHECK(pread(out, back, 50000, 20) == 50000);
  CHECK(memcmp(back, data + 10, 50000) == 0);
}

static void with_splice(void) {
  int in = source(), out = target(), p[2], q[2];
  CHECK(pipe(p) == 0 && pipe(q) == 0);
  int done = 0;
  while (done < kSize) {
    ssize_t n = splice(in, NULL, p[1], NULL, 40000, 0);
    CHECK(n > 0);
    CHECK(tee(p[0], q[1], n, 0) == n);
    for (ssize_t k = 0; k < n;) {
      ssize_t m = splice(p[0], NULL, out, NULL, n - k, 0);
      CHECK(m > 0);
      k += m;
    }
    for (ssize_t k = 0; k < n;) {
      ssize_t m = read(q[0], back, n - k);
      CHECK(m > 0 && memcmp(back, data + done + k, m) == 0);
      k += m;
    }
    done += n;
  }
  verify(out, 0, kSize);
  CHECK_FAILS(splice(in, NULL, out, NULL, 10, 0), EINVAL);
  CHECK_FAILS(tee(p[0], p[1], 10, 0), EINVAL);
  CHECK_FAILS(splice(p[0], NULL, p[1], NULL, 10, 0), EINVAL);
}

int main(void) {
  for (int i = 0; i < kSize; ++i) data[i] = (unsigned char)(i * 17 + i / 256);
  with_sendfile();
  with_copy_file_range();
  with_splice();
  printf("ok\n");
  return 0;
}
