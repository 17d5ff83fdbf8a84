// SPDX-License-Identifier: Apache-2.0
//
// Mapped files: private and shared, coherence with read and write, msync,
// beyond the end, growing and shrinking, after close and unlink, protections,
// between processes, execution of a mapped page.

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "testdata/programs/lib/check.h"

enum { kPage = 4096, kRw = PROT_READ | PROT_WRITE };

static sigjmp_buf back;
static void on_bus(int sig) { siglongjmp(back, sig); }

static int make(const char *name, int pages) {
  int fd = open(temp_path(name), O_RDWR | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0);
  for (int i = 0; i < pages; ++i) {
    char block[kPage];
    memset(block, 'a' + i % 26, sizeof block);
    CHECK(write(fd, block, kPage) == kPage);
  }
  return fd;
}

static char *map(int fd, size_t pages, int prot, int flags, int from) {
  char *p = mmap(NULL, pages * kPage, prot, flags, fd, (off_t)from * kPage);
  CHECK(p != MAP_FAILED);
  return p;
}

static void coherence(void) {
  int fd = make("coherence", 4);
  char *shared = map(fd, 4, kRw, MAP_SHARED, 0);
  char *second = map(fd, 2, PROT_READ, MAP_SHARED, 2);
  char *private = map(fd, 4, kRw, MAP_PRIVATE, 0);
  char c;
  CHECK(pwrite(fd, "W", 1, 10) == 1);
  CHECK(shared[10] == 'W' && private[10] == 'W');
  shared[2 * kPage] = 'S';
  CHECK(second[0] == 'S' && private[2 * kPage] == 'S');
  CHECK(pread(fd, &c, 1, 2 * kPage) == 1 && c == 'S');
  private[kPage] = 'P';
  CHECK(shared[kPage] == 'b' && pread(fd, &c, 1, kPage) == 1 && c == 'b');
  CHECK(pwrite(fd, "x", 1, kPage + 5) == 1);
  CHECK(shared[kPage + 5] == 'x' && private[kPage + 5] == 'b');
  CHECK(msync(shared, 4 * kPage, MS_SYNC) == 0);
  CHECK_FAILS(msync(shared + 1, kPage, MS_SYNC), EINVAL);
  CHECK(close(fd) == 0 && unlink(temp_path("coherence")) == 0);
  shared[3 * kPage] = 'U';
  CHECK(second[kPage] == 'U');
}

static void beyond_the_end(void) {
  int fd = make("end", 1);
  CHECK(ftruncate(fd, 100) == 0);
  char *p = map(fd, 3, kRw, MAP_SHARED, 0);
  volatile char c = p[99];
  CHECK(c == 'a' && p[100] == 0 && p[4095] == 0);
  p[200] = 'z';  // in the last page, behind the end: not in the file
  if (sigsetjmp(back, 1) == 0) {
    c = p[kPage];
    printf("no SIGBUS\n");
  }
  CHECK(ftruncate(fd, 2 * kPage + 1) == 0);
  c = p[kPage];
  CHECK(c == 0 && p[2 * kPage] == 0);
  p[kPage] = 'k';
  CHECK(ftruncate(fd, kPage) == 0);
  if (sigsetjmp(back, 1) == 0) {
    c = p[kPage];
    printf("no SIGBUS after truncation\n");
  }
  CHECK(ftruncate(fd, 2 * kPage) == 0 && p[kPage] == 0);
  close(fd);
}

static void rights(void) {
  make("rights", 1);
  int reader = open(temp_path("rights"), O_RDONLY);
  int writer = open(temp_path("rights"), O_WRONLY);
  CHECK_FAILS(mmap(NULL, kPage, kRw, MAP_SHARED, reader, 0), EACCES);
  CHECK_FAILS(mmap(NULL, kPage, PROT_READ, MAP_SHARED, writer, 0), EACCES);
  CHECK_FAILS(mmap(NULL, kPage, PROT_READ, MAP_SHARED, reader, 1), EINVAL);
  char *p = map(reader, 1, PROT_READ, MAP_SHARED, 0);
  CHECK_FAILS(mprotect(p, kPage, kRw), EACCES);
  char *q = map(reader, 1, kRw, MAP_PRIVATE, 0);
  q[0] = 'q';
  CHECK(p[0] == 'a');
  int dir = open("/", O_RDONLY | O_DIRECTORY);
  CHECK_FAILS(mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
  int fds[2];
  CHECK(pipe(fds) == 0);
  CHECK_FAILS(mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, fds[0], 0), ENODEV);
}

static void between_processes(void) {
  int fd = make("processes", 2);
  char *shared = map(fd, 2, kRw, MAP_SHARED, 0);
  char *private = map(fd, 2, kRw, MAP_PRIVATE, 0);
  private[0] = '1';
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(private[0] == '1');
    private[0] = '2';
    shared[1] = '2';
    int again = open(temp_path("processes"), O_RDWR);
    CHECK(pwrite(again, "3", 1, kPage) == 1);
    _exit(0);
  }
  reap(pid);
  CHECK(private[0] == '1' && shared[1] == '2' && shared[kPage] == '3');
}

static void large(void) {
  int fd = make("large", 600);
  char *p = map(fd, 600, PROT_READ, MAP_PRIVATE, 0);
  unsigned long sum = 0;
  for (int i = 599; i >= 0; --i) {
    CHECK(p[i * kPage + i] == 'a' + i % 26);
    sum += (unsigned char)p[i * kPage];
  }
  printf("sum %lu\n", sum);
  CHECK(munmap(p, 600 * kPage) == 0);
}

static void execute(void) {
  int fd = make("code", 1);
  CHECK(pwrite(fd, "\xb8\x2a\x00\x00\x00\xc3", 6, 0) == 6);
  char *p = map(fd, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0);
  printf("code returned %d\n", ((int (*)(void))(uintptr_t)p)());
}

int main(void) {
  signal(SIGBUS, on_bus);
  coherence();
  beyond_the_end();
  rights();
  between_processes();
  large();
  execute();
  printf("ok\n");
  return 0;
}
