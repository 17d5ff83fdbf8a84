// SPDX-License-Identifier: Apache-2.0
//
// /dev/null, zero, full, random, urandom, fd, stdin; getrandom.

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <termios.h>

#include "testdata/programs/lib/check.h"

static void report(const char *path) {
  struct stat st;
  CHECK(stat(path, &st) == 0);
  printf("%s: type %o device %llx\n", path, st.st_mode & S_IFMT,
         (unsigned long long)st.st_rdev);
}

static void random_bytes(const char *path) {
  unsigned char b[4096];
  int seen[256] = {0}, fd = open(path, O_RDONLY);
  CHECK(fd >= 0 && read(fd, b, sizeof b) == sizeof b);
  for (size_t i = 0; i < sizeof b; ++i) seen[b[i]]++;
  for (int i = 0; i < 256; ++i) CHECK(seen[i] < 60);
}

int main(void) {
  char b[100];
  int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
  int full = open("/dev/full", O_RDWR);
  CHECK(null >= 0 && zero >= 0 && full >= 0);
  CHECK(read(null, b, 100) == 0 && write(null, b, 100) == 100);
  CHECK(lseek(null, 1000, SEEK_SET) >= 0);
  memset(b, 1, sizeof b);
  CHECK(read(zero, b, 100) == 100 && b[0] == 0 && b[99] == 0);
  CHECK(write(zero, b, 100) == 100);
  CHECK(read(full, b, 100) == 100);
  CHECK_FAILS(write(full, b, 1), ENOSPC);
  char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
  CHECK(map != MAP_FAILED && map[5000] == 0);
  map[5000] = 1;
  random_bytes("/dev/random");
  random_bytes("/dev/urandom");
  unsigned char r[2][256];
  CHECK(getrandom(r[0], 256, 0) == 256 &&
        getrandom(r[1], 256, GRND_NONBLOCK) == 256);
  CHECK(memcmp(r[0], r[1], 256) != 0);
  CHECK(getentropy(r[0], 256) == 0);
  CHECK_FAILS(getrandom(r[0], 1, 0x8000), EINVAL);
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(getrandom(r[1], 256, 0) == 256 && memcmp(r[0], r[1], 256) != 0);
    _exit(0);
  }
  reap(pid);
  int fds[2];
  CHECK(pipe(fds) == 0);
  snprintf(b, sizeof b, "/dev/fd/%d", fds[1]);
  int again = open(b, O_WRONLY);
  CHECK(again >= 0 && write(again, "x", 1) == 1 && read(fds[0], b, 9) == 1);
  struct termios t;
  CHECK_FAILS(tcgetattr(null, &t), ENOTTY);
  CHECK_FAILS(ioctl(fds[0], TIOCGWINSZ, b), ENOTTY);
  CHECK(isatty(null) == 0);
  CHECK(mkdir("/dev/shm/crvm-compare", 0700) == 0 || errno == EEXIST);
  CHECK(rmdir("/dev/shm/crvm-compare") == 0);
  report("/dev/null");
  report("/dev/zero");
  report("/dev/full");
  report("/dev/random");
  report("/dev/urandom");
  report("/dev/tty");
  report("/dev/ptmx");
  return 0;
}
