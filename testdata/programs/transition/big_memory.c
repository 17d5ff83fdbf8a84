// SPDX-License-Identifier: Apache-2.0
//
// 96 MiB of incompressible, zero and repetitive pages, and a child that shares
// them copy-on-write: each process keeps its own version.

#include <stdint.h>
#include <sys/mman.h>

#include "testdata/programs/lib/transition.h"

enum { kPages = 24576, kWords = 512 };

static uint64_t word(uint64_t page, uint64_t index) {
  uint64_t x = page * 0x9e3779b97f4a7c15 + index * 0xbf58476d1ce4e5b9;
  x ^= x >> 31;
  return page % 4 == 0 ? 0 : page % 4 == 1 ? page : x * 0x94d049bb133111eb;
}

static void fill(uint64_t *p) {
  for (int page = 0; page < kPages; ++page) {
    if (page % 4 == 0) continue;  // never touched
    for (int i = 0; i < kWords; ++i) p[page * kWords + i] = word(page, i);
  }
}

// Pages whose number is `changed` modulo 64 hold their complement.
static void verify(const uint64_t *p, int changed) {
  for (int page = 0; page < kPages; ++page) {
    uint64_t mask = page % 64 == changed ? ~0ull : 0;
    for (int i = 0; i < kWords; ++i) {
      CHECK(p[page * kWords + i] == (word(page, i) ^ mask));
    }
  }
}

static void change(uint64_t *p, int which) {
  for (int page = which; page < kPages; page += 64) {
    for (int i = 0; i < kWords; ++i) p[page * kWords + i] = ~word(page, i);
  }
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  uint64_t *p = mmap(NULL, kPages * 4096ul, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(p != MAP_FAILED);
  fill(p);
  int up[2];
  CHECK(pipe(up) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    change(p, 8);
    CHECK(write(up[1], "r", 1) == 1);
    await_release();
    verify(p, 8);
    _exit(0);
  }
  change(p, 5);
  char c;
  CHECK(read(up[0], &c, 1) == 1);
  ready();
  await_release();
  verify(p, 5);
  reap(pid);
  return pass();
}
