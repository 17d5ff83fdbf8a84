// SPDX-License-Identifier: Apache-2.0
//
// Open files: offsets, O_APPEND, O_NONBLOCK and close-on-exec flags, offsets
// shared through dup and fork but not through a second open, sparse descriptor
// numbers, a half-read directory, a half-written file.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "testdata/programs/lib/transition.h"

static void make_files(const char *directory, int n) {
  char path[600];
  CHECK(mkdir(directory, 0700) == 0);
  for (int i = 0; i < n; ++i) {
    snprintf(path, sizeof path, "%s/file%d", directory, i);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
  }
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  char path[512], directory[512];
  snprintf(path, sizeof path, "%s", temp_path("file"));
  snprintf(directory, sizeof directory, "%s", temp_path("directory"));
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int append = open(path, O_WRONLY | O_APPEND | O_NONBLOCK);
  int other = open(path, O_RDONLY);
  CHECK(fd >= 0 && append >= 0 && other >= 0);
  CHECK(write(fd, "0123456789", 10) == 10);
  CHECK(lseek(other, 7, SEEK_SET) == 7);
  int twin = fcntl(fd, F_DUPFD, 90);
  CHECK(twin == 90);
  int go[2];
  CHECK(pipe(go) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    char c;
    close(go[1]);
    CHECK(read(go[0], &c, 1) == 0);
    CHECK(lseek(fd, 2, SEEK_CUR) == 12);  // the parent's offset, too
    _exit(0);
  }
  close(go[0]);
  make_files(directory, 20);
  DIR *dir = opendir(directory);
  CHECK(dir != NULL);
  int seen = 0;
  while (seen < 7 && readdir(dir) != NULL) ++seen;
  CHECK(seen == 7);
  ready();
  await_release();
  CHECK(lseek(fd, 0, SEEK_CUR) == 10 && lseek(twin, 0, SEEK_CUR) == 10);
  CHECK(lseek(other, 0, SEEK_CUR) == 7);
  CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(twin, F_GETFD) == 0);
  CHECK((fcntl(append, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE)) ==
        (O_APPEND | O_NONBLOCK | O_WRONLY));
  close(go[1]);
  reap(pid);
  CHECK(lseek(twin, 0, SEEK_CUR) == 12);
  CHECK(lseek(append, 0, SEEK_SET) == 0 && write(append, "AB", 2) == 2);
  CHECK(write(twin, "C", 1) == 1);  // at 12: after what was appended
  char buffer[16] = "";
  CHECK(read(other, buffer, sizeof buffer) == 6);
  CHECK(memcmp(buffer, "789ABC", 6) == 0);
  while (readdir(dir) != NULL) ++seen;
  CHECK(seen == 22);  // with . and .., each once
  closedir(dir);
  CHECK_FAILS(fcntl(89, F_GETFD), EBADF);
  return pass();
}
