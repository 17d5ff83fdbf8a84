// SPDX-License-Identifier: Apache-2.0
//
// Three kinds of memory shared by two processes: anonymous, POSIX shared memory
// and a mapped file. Both processes go on seeing each other's writes.

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "testdata/programs/lib/transition.h"

enum { kKinds = 3, kSize = 256 * 1024 };

struct area {
  atomic_uint turn;  // even: the parent's, odd: the child's
  unsigned data[kSize / 4 - 1];
};

static struct area *map(int fd) {
  int flags = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
  if (fd >= 0) CHECK(ftruncate(fd, kSize) == 0);
  void *p = mmap(NULL, kSize, PROT_READ | PROT_WRITE, flags, fd, 0);
  CHECK(p != MAP_FAILED);
  return p;
}

static void await_turn(struct area *a, unsigned turn) {
  while (atomic_load(&a->turn) != turn) sleep_ms(1);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  char name[64];
  snprintf(name, sizeof name, "/crvm-test-%d", (int)getpid());
  int shm = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
  int file = open(temp_path("file"), O_RDWR | O_CREAT, 0600);
  CHECK(shm >= 0 && file >= 0);
  struct area *areas[kKinds] = {map(-1), map(shm), map(file)};
  pid_t pid = must_fork();
  if (pid == 0) {
    for (unsigned round = 0; round < 2; ++round) {
      for (int k = 0; k < kKinds; ++k) {
        await_turn(areas[k], 2 * round + 1);
        for (int i = 0; i < 1000; ++i) areas[k]->data[i * 64] += i + k;
        atomic_fetch_add(&areas[k]->turn, 1);
      }
    }
    _exit(0);
  }
  for (unsigned round = 0; round < 2; ++round) {
    for (int k = 0; k < kKinds; ++k) atomic_fetch_add(&areas[k]->turn, 1);
    for (int k = 0; k < kKinds; ++k) await_turn(areas[k], 2 * round + 2);
    if (round == 0) {
      ready();
      await_release();
    }
  }
  for (int k = 0; k < kKinds; ++k) {
    for (int i = 0; i < 1000; ++i) {
      CHECK(areas[k]->data[i * 64] == 2u * (i + k));
    }
  }
  reap(pid);
  // The name and the file lead to the same memory still.
  int again = shm_open(name, O_RDONLY, 0);
  struct stat a, b;
  CHECK(again >= 0 && fstat(again, &a) == 0 && fstat(shm, &b) == 0);
  CHECK(a.st_ino == b.st_ino && a.st_size == kSize);
  unsigned word = 0;
  CHECK(pread(again, &word, 4, offsetof(struct area, data) + 64 * 4) == 4);
  CHECK(word == 2 * (1 + 1));
  CHECK(msync(areas[2], kSize, MS_SYNC) == 0);
  CHECK(pread(file, &word, 4, offsetof(struct area, data) + 64 * 4) == 4);
  CHECK(word == 2 * (1 + 2));
  CHECK(shm_unlink(name) == 0);
  return pass();
}
