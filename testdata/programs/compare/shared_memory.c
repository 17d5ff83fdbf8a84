// SPDX-License-Identifier: Apache-2.0
//
// Shared memory: anonymous, shm_open (a tmpfs on /dev/shm) and memfd_create.

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "testdata/programs/lib/check.h"

enum { kSize = 1 << 20 };

static char *map(int fd) {
  char *p = mmap(NULL, kSize, PROT_READ | PROT_WRITE,
                 MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
  CHECK(p != MAP_FAILED);
  return p;
}

static void count_together(char *p) {
  atomic_int *counter = (atomic_int *)p;
  pid_t pids[3];
  for (int i = 0; i < 3; ++i) {
    pids[i] = must_fork();
    if (pids[i] == 0) {
      for (int k = 0; k < 20000; ++k) atomic_fetch_add(counter, 1);
      p[kSize - 1 - i] = (char)(i + 1);
      _exit(0);
    }
  }
  for (int i = 0; i < 3; ++i) reap(pids[i]);
  CHECK(*counter == 60000);
  CHECK(p[kSize - 1] == 1 && p[kSize - 2] == 2 && p[kSize - 3] == 3);
}

static void posix(void) {
  char name[64];
  snprintf(name, sizeof name, "/crvm-compare-%d", (int)getpid());
  CHECK_FAILS(shm_open(name, O_RDWR, 0), ENOENT);
  int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0640);
  CHECK(fd >= 0 && ftruncate(fd, kSize) == 0);
  CHECK_FAILS(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
  char path[80];
  struct stat st;
  snprintf(path, sizeof path, "/dev/shm%s", name);
  CHECK(stat(path, &st) == 0 && st.st_size == kSize);
  printf("mode %o\n", st.st_mode & 0777);
  char *p = map(fd), *q = map(shm_open(name, O_RDWR, 0));
  p[5] = 'x';
  CHECK(q[5] == 'x');
  count_together(p + 0);
  CHECK(shm_unlink(name) == 0 && stat(path, &st) == -1);
  p[6] = 'y';
  CHECK(q[6] == 'y');  // lives until the last mapping
}

static void memfd(void) {
  int fd = memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  CHECK(fd >= 0 && ftruncate(fd, kSize) == 0);
  count_together(map(fd));
  CHECK(pread(fd, &(char){0}, 1, kSize) == 0);
  CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
  CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SHRINK);
  CHECK_FAILS(ftruncate(fd, 10), EPERM);
}

int main(void) {
  count_together(map(-1));
  posix();
  memfd();
  printf("ok\n");
  return 0;
}
