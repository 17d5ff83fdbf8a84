// SPDX-License-Identifier: Apache-2.0
//
// Anonymous memory: mmap, munmap, mprotect, mremap, madvise, brk, fixed and
// hint addresses, splitting and merging, limits, errors.

#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "testdata/programs/lib/check.h"

enum { kPage = 4096, kRw = PROT_READ | PROT_WRITE };

static char *map(void *hint, size_t pages, int prot, int flags) {
  return mmap(hint, pages * kPage, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags,
              -1, 0);
}

// How the kernel sees one byte: mincore needs no access to it.
static int mapped(char *p) {
  unsigned char v;
  return mincore(p, 1, &v) == 0;
}

static void split_and_merge(void) {
  char *p = map(NULL, 8, kRw, 0);
  CHECK(p != MAP_FAILED && p[0] == 0 && p[8 * kPage - 1] == 0);
  memset(p, 7, 8 * kPage);
  CHECK(mprotect(p + 2 * kPage, 2 * kPage, PROT_READ) == 0);
  CHECK(munmap(p + 5 * kPage, kPage) == 0);
  CHECK(mapped(p + 4 * kPage) && !mapped(p + 5 * kPage) &&
        mapped(p + 6 * kPage));
  CHECK(p[3 * kPage] == 7 && p[6 * kPage] == 7);
  CHECK(map(p + 5 * kPage, 1, kRw, MAP_FIXED) == p + 5 * kPage);
  CHECK(p[5 * kPage] == 0);
  CHECK_FAILS(map(p, 1, kRw, MAP_FIXED_NOREPLACE), EEXIST);
  CHECK(mprotect(p, 8 * kPage, kRw) == 0);
  p[2 * kPage] = 8;
  CHECK(munmap(p, 8 * kPage) == 0 && munmap(p, 8 * kPage) == 0);
  CHECK(!mapped(p));
  CHECK(map(p, 3, kRw, 0) == p);  // the hint is free
  CHECK(munmap(p, 3 * kPage) == 0);
}

static void advice(void) {
  char *p = map(NULL, 4, kRw, 0);
  memset(p, 5, 4 * kPage);
  CHECK(madvise(p + kPage, kPage, MADV_DONTNEED) == 0);
  CHECK(p[0] == 5 && p[kPage] == 0 && p[2 * kPage] == 5);
  CHECK(madvise(p, 4 * kPage, MADV_WILLNEED) == 0);
  CHECK(madvise(p, 4 * kPage, MADV_NORMAL) == 0);
  CHECK_FAILS(madvise(p + 1, kPage, MADV_DONTNEED), EINVAL);
  CHECK_FAILS(madvise(p, kPage, 12345), EINVAL);
  CHECK(munmap(p + kPage, kPage) == 0);
  CHECK_FAILS(madvise(p, 3 * kPage, MADV_DONTNEED), ENOMEM);
  CHECK(madvise(p + 2 * kPage, kPage, MADV_DONTFORK) == 0);
  CHECK(munmap(p, 4 * kPage) == 0);
}

static void remap(void) {
  char *p = map(NULL, 4, kRw, 0);
  for (int i = 0; i < 4; ++i) p[i * kPage] = (char)(i + 1);
  CHECK(mremap(p, 4 * kPage, 2 * kPage, 0) == p);
  CHECK(!mapped(p + 2 * kPage));
  CHECK(map(p + 2 * kPage, 1, kRw, MAP_FIXED) == p + 2 * kPage);
  CHECK_FAILS(mremap(p, 2 * kPage, 3 * kPage, 0), ENOMEM);
  char *q = mremap(p, 2 * kPage, 100 * kPage, MREMAP_MAYMOVE);
  CHECK(q != MAP_FAILED && q != p && !mapped(p));
  CHECK(q[0] == 1 && q[kPage] == 2 && q[99 * kPage] == 0);
  char *target = map(NULL, 100, PROT_NONE, 0);
  char *r = mremap(q, 100 * kPage, 100 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED,
                   target);
  CHECK(r == target && r[kPage] == 2 && !mapped(q));
  CHECK(munmap(r, 100 * kPage) == 0);
  CHECK_FAILS(mremap(r, kPage, 2 * kPage, MREMAP_MAYMOVE), EFAULT);
}

static void heap(void) {
  char *start = sbrk(0);
  CHECK(sbrk(3 * kPage + 5) == start);
  start[3 * kPage] = 9;
  CHECK(brk(start + 100) == 0 && sbrk(0) == start + 100);
  CHECK(brk(start + 4 * kPage) == 0);
  char *next = (char *)(((uintptr_t)start + kPage) & -(uintptr_t)kPage);
  CHECK(next[kPage] == 0);  // given back and taken again: zero
  CHECK(brk(start) == 0);
}

static void errors(void) {
  CHECK_FAILS(mmap(NULL, 0, kRw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
  CHECK_FAILS(mmap(NULL, kPage, kRw, MAP_ANONYMOUS, -1, 0), EINVAL);
  CHECK_FAILS(mmap(NULL, kPage, kRw, MAP_PRIVATE, -1, 0), EBADF);
  CHECK_FAILS(mmap((void *)1, kPage, kRw,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
              EINVAL);
  CHECK_FAILS(mmap(NULL, 1ul << 50, kRw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
              ENOMEM);
  char *p = map(NULL, 1, kRw, 0);
  CHECK_FAILS(munmap(p + 1, kPage), EINVAL);
  CHECK_FAILS(mprotect(p + 1, kPage, PROT_READ), EINVAL);
  CHECK(munmap(p, kPage) == 0);
  CHECK_FAILS(mprotect(p, kPage, PROT_READ), ENOMEM);
}

static void limits(void) {
  struct rlimit limit = {300ul << 20, 300ul << 20};
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    CHECK_FAILS(map(NULL, (400ul << 20) / kPage, kRw, 0), ENOMEM);
    CHECK(malloc(400ul << 20) == NULL && errno == ENOMEM);
    _exit(0);
  }
  reap(pid);
  // Reserving much more than there is, without touching it, is allowed.
  char *p = map(NULL, (1ul << 36) / kPage, PROT_NONE, MAP_NORESERVE);
  CHECK(p != MAP_FAILED && mprotect(p, kPage, kRw) == 0);
  p[10] = 1;
  CHECK(munmap(p, 1ul << 36) == 0);
}

int main(void) {
  split_and_merge();
  advice();
  remap();
  heap();
  errors();
  limits();
  printf("ok\n");
  return 0;
}
