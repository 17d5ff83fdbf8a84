// SPDX-License-Identifier: Apache-2.0
//
// Every kind of mapping keeps its contents, protection and kind: anonymous
// private and shared, file private (clean, written) and shared, read-only,
// PROT_NONE, executable code, a hole, a grown heap, a moved mapping, many small
// ones.

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "testdata/programs/lib/transition.h"

enum { kPage = 4096, kMany = 200 };

static sigjmp_buf escape;
static void on_fault(int sig) { siglongjmp(escape, sig); }

// Does this access fault?
static int faults(volatile char *p, int write_it) {
  if (sigsetjmp(escape, 1) != 0) return 1;
  char c = *p;
  if (write_it) *p = c;
  return 0;
}

static char *map(size_t pages, int prot, int flags, int fd) {
  char *p = mmap(NULL, pages * kPage, prot, flags, fd, 0);
  CHECK(p != MAP_FAILED);
  return p;
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  enum { kRw = PROT_READ | PROT_WRITE, kAnon = MAP_PRIVATE | MAP_ANONYMOUS };
  signal(SIGSEGV, on_fault);
  setvbuf(stdout, NULL, _IONBF, 0);  // so that stdio does not grow the heap
  int fd = open(temp_path("file"), O_RDWR | O_CREAT, 0600);
  CHECK(fd >= 0);
  for (int i = 0; i < 8; ++i) {
    char block[kPage];
    memset(block, 'a' + i, sizeof block);
    CHECK(write(fd, block, kPage) == kPage);
  }
  char *anon = map(64, kRw, kAnon, -1);
  for (int i = 0; i < 64; i += 3) anon[i * kPage + i] = (char)(i + 1);
  char *clean = map(8, PROT_READ, MAP_PRIVATE, fd);
  char *dirty = map(8, kRw, MAP_PRIVATE, fd);
  dirty[2 * kPage] = 'X';
  char *shared = map(8, kRw, MAP_SHARED, fd);
  shared[5 * kPage] = 'Y';
  char *none = map(4, kRw, kAnon, -1);
  none[0] = 'n';
  CHECK(mprotect(none, 4 * kPage, PROT_NONE) == 0);
  char *read_only = map(3, kRw, kAnon, -1);
  read_only[kPage] = 'r';
  CHECK(mprotect(read_only + kPage, kPage, PROT_READ) == 0);
  char *moved = map(2, kRw, kAnon, -1);
  moved[kPage] = 'm';
  moved = mremap(moved, 2 * kPage, 40 * kPage, MREMAP_MAYMOVE);
  CHECK(moved != MAP_FAILED);
  unsigned char *code = (unsigned char *)map(1, kRw | PROT_EXEC, kAnon, -1);
  memcpy(code, "\xb8\x2a\x00\x00\x00\xc3", 6);  // mov eax, 42; ret
  char *many[kMany];
  for (int i = 0; i < kMany; ++i) {
    many[i] = map(2, kRw, kAnon, -1);
    CHECK(munmap(many[i] + kPage, kPage) == 0);
    many[i][i] = (char)i;
  }
  // Last, so that nothing else is put into the hole.
  char *hole = map(3, kRw, kAnon, -1);
  CHECK(munmap(hole + kPage, kPage) == 0);
  char *heap = sbrk(50 * kPage);
  CHECK(heap != (void *)-1);
  heap[49 * kPage] = 'h';
  void *end = sbrk(0);
  ready();
  await_release();
  for (int i = 0; i < 64; ++i) {
    CHECK(anon[i * kPage + i] == (i % 3 == 0 ? i + 1 : 0));
  }
  CHECK(clean[0] == 'a' && clean[7 * kPage] == 'h' && faults(clean, 1));
  CHECK(dirty[2 * kPage] == 'X' && dirty[2 * kPage + 1] == 'c');
  CHECK(dirty[3 * kPage] == 'd' && !faults(dirty, 1));
  char c;
  CHECK(pread(fd, &c, 1, 5 * kPage) == 1 && c == 'Y');
  CHECK(pread(fd, &c, 1, 2 * kPage) == 1 && c == 'c');
  CHECK(clean[5 * kPage] == 'Y');
  CHECK(faults(none, 0) && mprotect(none, kPage, kRw) == 0 && none[0] == 'n');
  CHECK(!faults(read_only, 1) && faults(read_only + kPage, 1));
  CHECK(read_only[kPage] == 'r');
  CHECK(faults(hole + kPage, 0) && !faults(hole + 2 * kPage, 1));
  CHECK(moved[kPage] == 'm' && moved[39 * kPage] == 0);
  CHECK(((int (*)(void))(uintptr_t)code)() == 42);
  for (int i = 0; i < kMany; ++i) CHECK(many[i][i] == (char)i);
  CHECK(heap[49 * kPage] == 'h' && sbrk(0) == end);
  return pass();
}
