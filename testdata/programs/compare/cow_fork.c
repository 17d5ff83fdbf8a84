// SPDX-License-Identifier: Apache-2.0
//
// Copy-on-write: parents, children and grandchildren each keep their own
// version of private memory, whoever writes first; the heap, the stack, .data,
// .bss.

#include <sys/mman.h>

#include "testdata/programs/lib/check.h"

enum { kPages = 512, kPage = 4096, kDepth = 5 };

static int data[4096] = {1, 2, 3};
static int bss[4096];

static void expect_all(const char *p, int value) {
  for (int i = 0; i < kPages; ++i) CHECK(p[i * kPage] == (char)value);
}

static void level(char *p, int depth) {
  volatile int on_stack = depth;
  int *on_heap = malloc(100000);
  on_heap[0] = depth;
  if (depth == kDepth) return;
  pid_t pid = must_fork();
  if (pid == 0) {
    expect_all(p, depth);
    CHECK(on_stack == depth && on_heap[0] == depth && data[100] == depth);
    memset(p, depth + 1, (size_t)kPages * kPage);
    data[100] = depth + 1;
    bss[4000] = depth + 1;
    level(p, depth + 1);
    expect_all(p, depth + 1);
    exit(0);
  }
  // Write to every second page while the child does the same.
  for (int i = 0; i < kPages; i += 2) p[i * kPage + 1] = (char)(100 + depth);
  reap(pid);
  expect_all(p, depth);
  for (int i = 0; i < kPages; i += 2) {
    CHECK(p[i * kPage + 1] == (char)(100 + depth));
  }
  CHECK(on_stack == depth && on_heap[0] == depth);
  CHECK(data[100] == depth && bss[4000] == depth && data[2] == 3);
}

static void reads_into_shared_pages(void) {
  // The kernel's own writes break the sharing, too.
  char *p = mmap(NULL, kPage, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int fds[2];
  CHECK(p != MAP_FAILED && pipe(fds) == 0);
  strcpy(p, "original");
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(write(fds[1], "replaced", 9) == 9);
    CHECK(read(fds[0], p, 9) == 9 && strcmp(p, "replaced") == 0);
    _exit(0);
  }
  reap(pid);
  CHECK(strcmp(p, "original") == 0);
}

int main(void) {
  char *p = mmap(NULL, (size_t)kPages * kPage, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(p != MAP_FAILED);
  level(p, 0);
  reads_into_shared_pages();
  printf("ok\n");
  return 0;
}
