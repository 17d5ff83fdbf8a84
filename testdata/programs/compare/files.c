// SPDX-License-Identifier: Apache-2.0
//
// Regular files: open flags, reads and writes of every form, offsets, holes,
// truncation, appending, errors.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "testdata/programs/lib/check.h"

// What the compiler must not see through.
static volatile int minus_one = -1;
static void *volatile bad_pointer = (void *)8;

static off_t size_of(int fd) {
  struct stat st;
  CHECK(fstat(fd, &st) == 0);
  return st.st_size;
}

static void open_flags(void) {
  const char *path = temp_path("flags");
  CHECK_FAILS(open(path, O_RDONLY), ENOENT);
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  CHECK(fd >= 0 && write(fd, "hello", 5) == 5);
  CHECK_FAILS(open(path, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
  CHECK_FAILS(open(path, O_RDONLY | O_DIRECTORY), ENOTDIR);
  CHECK_FAILS(open("/tmp", O_WRONLY), EISDIR);
  CHECK_FAILS(open(temp_path("flags/under"), O_RDONLY), ENOTDIR);
  CHECK_FAILS(open("", O_RDONLY), ENOENT);
  CHECK(symlink("flags", temp_path("link")) == 0);
  CHECK_FAILS(open(temp_path("link"), O_RDONLY | O_NOFOLLOW), ELOOP);
  int through = open(temp_path("link"), O_RDONLY);
  char c;
  CHECK(through >= 0 && read(through, &c, 1) == 1 && c == 'h');
  CHECK_FAILS(write(through, "x", 1), EBADF);
  int writer = open(path, O_WRONLY);
  CHECK_FAILS(read(writer, &c, 1), EBADF);
  CHECK(close(open(path, O_WRONLY | O_TRUNC)) == 0 && size_of(fd) == 0);
  char name[300];
  memset(name, 'n', sizeof name);
  name[299] = 0;
  CHECK_FAILS(open(name, O_RDONLY), ENAMETOOLONG);
  int o_path = open(path, O_PATH);
  CHECK(o_path >= 0);
  CHECK_FAILS(read(o_path, &c, 1), EBADF);
}

static void offsets_and_holes(void) {
  int fd = open(temp_path("holes"), O_RDWR | O_CREAT, 0600);
  char buffer[10000];
  CHECK(lseek(fd, 100000, SEEK_SET) == 100000 && write(fd, "end", 3) == 3);
  CHECK(size_of(fd) == 100003);
  CHECK(pread(fd, buffer, sizeof buffer, 50000) == sizeof buffer);
  for (size_t i = 0; i < sizeof buffer; ++i) CHECK(buffer[i] == 0);
  CHECK(lseek(fd, -3, SEEK_END) == 100000 && read(fd, buffer, 10) == 3);
  CHECK(read(fd, buffer, 10) == 0);
  CHECK_FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
  CHECK_FAILS(lseek(fd, 0, 77), EINVAL);
  CHECK(pwrite(fd, "mid", 3, 5) == 3 && lseek(fd, 0, SEEK_CUR) == 100003);
  CHECK(ftruncate(fd, 7) == 0 && pread(fd, buffer, 20, 0) == 7);
  CHECK(memcmp(buffer, "\0\0\0\0\0mi", 7) == 0);
  CHECK(ftruncate(fd, 20) == 0 && pread(fd, buffer, 30, 0) == 20);
  CHECK(buffer[7] == 0 && truncate(temp_path("holes"), 3) == 0);
  CHECK(size_of(fd) == 3);
  CHECK_FAILS(ftruncate(fd, -1), EINVAL);
}

static void vectors_and_append(void) {
  int fd = open(temp_path("vectors"), O_RDWR | O_CREAT | O_APPEND, 0600);
  struct iovec out[3] = {{"one", 3}, {"", 0}, {"three", 5}};
  CHECK(writev(fd, out, 3) == 8);
  CHECK(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "!", 1) == 1);
  CHECK(lseek(fd, 0, SEEK_CUR) == 9);
  char a[4] = "", b[10] = "";
  struct iovec in[2] = {{a, 3}, {b, 9}};
  CHECK(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, in, 2) == 9);
  CHECK(strcmp(a, "one") == 0 && strcmp(b, "three!") == 0);
  CHECK(preadv(fd, in, 1, 3) == 3 && memcmp(a, "thr", 3) == 0);
  CHECK(fcntl(fd, F_SETFL, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
  CHECK(pwritev(fd, out, 1, 6) == 3 && write(fd, "O", 1) == 1);
  CHECK(pread(fd, b, 9, 0) == 9 && memcmp(b, "OnethrONE", 3) == 0);
  CHECK_FAILS(readv(fd, in, minus_one), EINVAL);
}

static void large(void) {
  enum { kSize = 3 << 20 };
  int fd = open(temp_path("large"), O_RDWR | O_CREAT, 0600);
  unsigned char *out = malloc(kSize), *in = malloc(kSize);
  for (int i = 0; i < kSize; ++i) out[i] = (unsigned char)(i * 31 + i / 4096);
  CHECK(write(fd, out, kSize) == kSize && fsync(fd) == 0 && fdatasync(fd) == 0);
  CHECK(pread(fd, in, kSize, 0) == kSize && memcmp(in, out, kSize) == 0);
  for (int i = 0; i < 200; ++i) {
    int at = (int)(i * 7919ll % (kSize - 5000)), n = 1 + i * 23;
    CHECK(pread(fd, in, n, at) == n && memcmp(in, out + at, n) == 0);
    CHECK(pwrite(fd, out + at, n, at) == n);
  }
  CHECK(pread(fd, in, kSize, 0) == kSize && memcmp(in, out, kSize) == 0);
  CHECK(posix_fallocate(fd, kSize, 100) == 0 && size_of(fd) == kSize + 100);
  free(out);
  free(in);
}

int main(void) {
  open_flags();
  offsets_and_holes();
  vectors_and_append();
  large();
  char c;
  CHECK_FAILS(read(999, &c, 1), EBADF);
  CHECK_FAILS(write(-1, &c, 1), EBADF);
  CHECK_FAILS(close(999), EBADF);
  int fd = open(temp_path("large"), O_RDWR);
  CHECK_FAILS(read(fd, bad_pointer, 10), EFAULT);
  CHECK_FAILS(write(fd, bad_pointer, 10), EFAULT);
  printf("ok\n");
  return 0;
}
