// SPDX-License-Identifier: Apache-2.0
//
// Files that are open and have no name any more: contents, offset, size, and a
// shared mapping; also one deleted while a child has it open, and
// O_TMPFILE-like use by two descriptors.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "testdata/programs/lib/transition.h"

enum { kSize = 300000 };

static unsigned char pattern(int i) {
  return (unsigned char)(i * 13 + i / 255);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  static unsigned char data[kSize], back[kSize];
  for (int i = 0; i < kSize; ++i) data[i] = pattern(i);
  const char *path = temp_path("file");
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0640);
  int reader = open(path, O_RDONLY);
  CHECK(fd >= 0 && reader >= 0);
  CHECK(write(fd, data, kSize) == kSize);
  CHECK(lseek(reader, 1000, SEEK_SET) == 1000);
  unsigned char *map =
      mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
  CHECK(map != MAP_FAILED);
  map[5] = 200;
  CHECK(unlink(path) == 0);
  int child_pipe[2];
  CHECK(pipe(child_pipe) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    char c;
    close(child_pipe[1]);
    CHECK(read(child_pipe[0], &c, 1) == 0);
    CHECK(pread(reader, &c, 1, 70000) == 1 &&
          (unsigned char)c == pattern(70000));
    CHECK(pwrite(fd, "child", 5, kSize) == 5);
    _exit(0);
  }
  close(child_pipe[0]);
  ready();
  await_release();
  struct stat st;
  CHECK(fstat(fd, &st) == 0);
  CHECK(st.st_nlink == 0 && st.st_size == kSize && (st.st_mode & 0777) == 0640);
  CHECK(access(path, F_OK) == -1 && errno == ENOENT);
  CHECK(lseek(fd, 0, SEEK_CUR) == kSize && lseek(reader, 0, SEEK_CUR) == 1000);
  CHECK(map[5] == 200 && map[6] == pattern(4096 + 6));
  data[4096 + 5] = 200;
  CHECK(pread(fd, back, kSize, 0) == kSize);
  CHECK(memcmp(data, back, kSize) == 0);
  close(child_pipe[1]);
  reap(pid);
  CHECK(pread(reader, back, 10, kSize) == 5 && memcmp(back, "child", 5) == 0);
  map[7] = 99;
  CHECK(pread(reader, back, 1, 4096 + 7) == 1 && back[0] == 99);
  return pass();
}
