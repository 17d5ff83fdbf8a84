// SPDX-License-Identifier: Apache-2.0
//
// stat, statx, chmod, umask, access, utimensat, statfs, xattr, fifo nodes.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "testdata/programs/lib/check.h"

static struct stat status(const char *path) {
  struct stat st;
  CHECK(stat(path, &st) == 0);
  return st;
}

static void modes(void) {
  umask(022);
  CHECK(close(open("f", O_WRONLY | O_CREAT, 0777)) == 0);
  CHECK(mkdir("d", 0777) == 0);
  printf("file %o directory %o\n", status("f").st_mode, status("d").st_mode);
  CHECK(umask(077) == 022);
  CHECK(close(open("g", O_WRONLY | O_CREAT, 0666)) == 0);
  printf("with umask 077: %o\n", status("g").st_mode);
  for (int mode = 0; mode < 01000; mode += 0123) {
    CHECK(chmod("f", mode) == 0);
    CHECK((status("f").st_mode & 07777) == (unsigned)mode);
  }
  int fd = open("g", O_RDWR);
  CHECK(fchmod(fd, 0640) == 0 && (status("g").st_mode & 0777) == 0640);
  CHECK(fchmodat(AT_FDCWD, "g", 0600, 0) == 0);
  CHECK(access("g", R_OK | W_OK) == 0);
  CHECK_FAILS(access("g", X_OK), EACCES);
  CHECK_FAILS(access("missing", F_OK), ENOENT);
  CHECK(access("d", X_OK) == 0);
  CHECK(chown("g", getuid(), getgid()) == 0);
  close(fd);
}

static void times(void) {
  struct timespec t[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
  CHECK(utimensat(AT_FDCWD, "g", t, 0) == 0);
  struct stat st = status("g");
  CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec == 1100000000);
  CHECK(st.st_mtim.tv_nsec == 987654321);
  struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  time_t before = time(NULL);
  CHECK(utimensat(AT_FDCWD, "g", omit, 0) == 0);
  st = status("g");
  CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec >= before - 1);
  int fd = open("g", O_RDWR);
  CHECK(futimens(fd, t) == 0 && status("g").st_mtim.tv_sec == 1100000000);
  CHECK(write(fd, "x", 1) == 1 && close(fd) == 0);
  CHECK(status("g").st_mtim.tv_sec >= before - 1);
  CHECK(status("g").st_ctim.tv_sec >= before - 1);
}

static void extended_stat(void) {
  struct statx x;
  CHECK(statx(AT_FDCWD, "g", 0, STATX_BASIC_STATS, &x) == 0);
  struct stat st = status("g");
  CHECK((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
  CHECK(x.stx_size == 1 && st.st_size == 1 && x.stx_ino == st.st_ino);
  CHECK(x.stx_mode == st.st_mode && x.stx_uid == getuid());
  printf("type %o links %d block size %d\n", st.st_mode & S_IFMT,
         (int)st.st_nlink, st.st_blksize >= 512);
  CHECK_FAILS(statx(AT_FDCWD, "missing", 0, STATX_SIZE, &x), ENOENT);
  CHECK(status("/dev/null").st_rdev == makedev(1, 3));
  CHECK(S_ISCHR(status("/dev/null").st_mode));
  CHECK(S_ISDIR(status("/proc/self").st_mode));
}

static void file_systems(void) {
  struct statvfs v;
  CHECK(statvfs(".", &v) == 0 && v.f_bsize > 0 && v.f_namemax == 255);
  CHECK(v.f_blocks > 0 && v.f_bavail <= v.f_blocks);
  CHECK(statvfs("/dev/shm", &v) == 0 && v.f_bsize == 4096);
  CHECK(statvfs("/proc", &v) == 0);
}

static void extended_attributes(void) {
  char buffer[64];
  if (setxattr("g", "user.crvm", "value", 5, 0) != 0) {
    printf("xattr: %s\n", strerror(errno));
    return;
  }
  CHECK(getxattr("g", "user.crvm", buffer, sizeof buffer) == 5);
  CHECK(memcmp(buffer, "value", 5) == 0);
  CHECK(getxattr("g", "user.crvm", NULL, 0) == 5);
  CHECK_FAILS(getxattr("g", "user.crvm", buffer, 2), ERANGE);
  CHECK_FAILS(getxattr("g", "user.none", buffer, 5), ENODATA);
  CHECK_FAILS(setxattr("g", "user.crvm", "v", 1, XATTR_CREATE), EEXIST);
  CHECK(listxattr("g", buffer, sizeof buffer) == 10);
  CHECK(removexattr("g", "user.crvm") == 0);
  printf("xattr: ok\n");
}

static void nodes(void) {
  CHECK(mkfifo("fifo", 0600) == 0 && S_ISFIFO(status("fifo").st_mode));
  CHECK_FAILS(mkfifo("fifo", 0600), EEXIST);
  int reader = open("fifo", O_RDONLY | O_NONBLOCK);
  int writer = open("fifo", O_WRONLY);
  char c;
  CHECK(write(writer, "q", 1) == 1 && read(reader, &c, 1) == 1 && c == 'q');
  CHECK_FAILS(read(reader, &c, 1), EAGAIN);
  close(writer);
  CHECK(read(reader, &c, 1) == 0);
  close(reader);
  CHECK_FAILS(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
}

int main(void) {
  CHECK(chdir(temp_dir()) == 0);
  modes();
  times();
  extended_stat();
  file_systems();
  extended_attributes();
  nodes();
  CHECK(chdir("/") == 0);
  return 0;
}
