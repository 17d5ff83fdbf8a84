// SPDX-License-Identifier: Apache-2.0
//
// dup in its variants, descriptor and status flags, POSIX locks, flock, open
// file description locks, leases of deadlock, non-blocking, closing ranges.

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/file.h>

#include "testdata/programs/lib/check.h"

static int file(void) {
  int fd = open(temp_path("file"), O_RDWR | O_CREAT, 0600);
  CHECK(fd >= 0);
  return fd;
}

static int is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

static void duplicates(void) {
  int fd = file();
  CHECK(dup2(fd, 100) == 100 && dup2(fd, fd) == fd &&
        dup3(fd, 101, O_CLOEXEC) == 101);
  CHECK_FAILS(dup3(fd, fd, 0), EINVAL);
  CHECK_FAILS(dup2(999, 5), EBADF);
  CHECK(fcntl(fd, F_DUPFD, 150) == 150 &&
        fcntl(fd, F_DUPFD_CLOEXEC, 150) == 151);
  CHECK(fcntl(100, F_GETFD) == 0 && fcntl(101, F_GETFD) == FD_CLOEXEC);
  CHECK(fcntl(151, F_GETFD) == FD_CLOEXEC && fcntl(151, F_SETFD, 0) == 0);
  CHECK(fcntl(151, F_GETFD) == 0);
  CHECK(write(100, "abc", 3) == 3 && lseek(150, 0, SEEK_CUR) == 3);
  CHECK(fcntl(100, F_SETFL, O_APPEND | O_NONBLOCK) == 0);
  CHECK((fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK)) ==
        (O_APPEND | O_NONBLOCK));
  CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
  CHECK_FAILS(fcntl(fd, 12345, 0), EINVAL);
  CHECK(close_range(150, ~0u, 0) == 0 && !is_open(150) && !is_open(151));
  CHECK(close_range(100, 101, CLOSE_RANGE_CLOEXEC) == 0);
  CHECK(fcntl(100, F_GETFD) == FD_CLOEXEC);
  CHECK(close_range(100, 101, 0) == 0 && !is_open(100));
  // The lowest free number, always.
  int a = dup(fd), b = dup(fd);
  CHECK(b == a + 1 && close(a) == 0 && dup(fd) == a);
  close(a);
  close(b);
  close(fd);
}

static int set_lock(int fd, int command, int type, off_t from, off_t length) {
  struct flock l = {.l_type = (short)type, .l_whence = SEEK_SET};
  l.l_start = from;
  l.l_len = length;
  return fcntl(fd, command, &l);
}

static void posix_locks(void) {
  int fd = file(), line[2];
  char c;
  CHECK(pipe(line) == 0);
  CHECK(set_lock(fd, F_SETLK, F_WRLCK, 10, 10) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    int own = open(temp_path("file"), O_RDWR);
    struct flock l = {.l_type = F_WRLCK, .l_start = 0, .l_len = 0};
    CHECK(fcntl(own, F_GETLK, &l) == 0);
    CHECK(l.l_type == F_WRLCK && l.l_start == 10 && l.l_len == 10);
    CHECK(l.l_pid == getppid());
    CHECK_FAILS(set_lock(own, F_SETLK, F_RDLCK, 15, 1), EAGAIN);
    CHECK(set_lock(own, F_SETLK, F_WRLCK, 20, 5) == 0);
    CHECK(write(line[1], "r", 1) == 1);
    CHECK(set_lock(own, F_SETLKW, F_WRLCK, 12, 2) == 0);  // until it is freed
    _exit(0);
  }
  CHECK(read(line[0], &c, 1) == 1);
  CHECK_FAILS(set_lock(fd, F_SETLK, F_WRLCK, 22, 1), EAGAIN);
  sleep_ms(50);
  CHECK(set_lock(fd, F_SETLK, F_UNLCK, 12, 4) == 0);
  reap(pid);
  CHECK(set_lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0);  // the child's are gone
  // Closing any descriptor of the file drops the process's locks.
  close(open(temp_path("file"), O_RDONLY));
  pid = must_fork();
  if (pid == 0) {
    int own = open(temp_path("file"), O_RDWR);
    CHECK(set_lock(own, F_SETLK, F_WRLCK, 0, 0) == 0);
    _exit(0);
  }
  reap(pid);
  close(fd);
}

static void deadlock(void) {
  int fd = file(), line[2];
  char c;
  CHECK(pipe(line) == 0 && set_lock(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    int own = open(temp_path("file"), O_RDWR);
    CHECK(set_lock(own, F_SETLK, F_WRLCK, 1, 1) == 0);
    CHECK(write(line[1], "r", 1) == 1);
    CHECK(set_lock(own, F_SETLKW, F_WRLCK, 0, 1) == 0);
    _exit(0);
  }
  CHECK(read(line[0], &c, 1) == 1);
  sleep_ms(100);
  CHECK_FAILS(set_lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
  CHECK(set_lock(fd, F_SETLK, F_UNLCK, 0, 1) == 0);
  reap(pid);
  close(fd);
}

static void flocks(void) {
  int a = file(), b = file(), shared = dup(a);
  CHECK(flock(a, LOCK_EX) == 0);
  CHECK_FAILS(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  CHECK(flock(shared, LOCK_EX | LOCK_NB) == 0);
  CHECK(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0);
  CHECK_FAILS(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  pid_t pid = must_fork();
  if (pid == 0) {
    int own = open(temp_path("file"), O_RDWR);
    CHECK(flock(own, LOCK_EX) == 0);  // until both are given up
    _exit(0);
  }
  sleep_ms(50);
  // The child has both descriptors, too: closing them here would not do.
  CHECK(flock(a, LOCK_UN) == 0 && flock(b, LOCK_UN) == 0);
  close(b);
  reap(pid);
  int c = file();
  CHECK(set_lock(a, F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
  CHECK_FAILS(set_lock(c, F_OFD_SETLK, F_WRLCK, 0, 0), EAGAIN);
  close(shared);
  close(a);
  CHECK(set_lock(c, F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
  close(c);
}

int main(void) {
  duplicates();
  posix_locks();
  deadlock();
  flocks();
  printf("ok\n");
  return 0;
}
