// SPDX-License-Identifier: Apache-2.0
//
// SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGTRAP handlers: code and address,
// registers may be changed and the program goes on.

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "testdata/programs/lib/check.h"

static sigjmp_buf back;
static siginfo_t info;
static char *page;

static void jump(int sig, siginfo_t *i, void *context) {
  (void)context;
  info = *i;
  siglongjmp(back, sig);
}

static void mend(int sig, siginfo_t *i, void *context) {
  (void)sig;
  (void)context;
  info = *i;
  CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
}

static void skip_two(int sig, siginfo_t *i, void *context) {
  (void)sig;
  info = *i;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RBX] = 1234;
}

static void on(int sig, void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = handler;
  CHECK(sigaction(sig, &action, NULL) == 0);
}

static void report(const char *name, int sig, const void *address) {
  printf("%s: signal %d code %d address %s\n", name, sig, info.si_code,
         address == NULL           ? "-"
         : info.si_addr == address ? "right"
                                   : "wrong");
}

int main(void) {
  int sig;
  for (int s = SIGILL; s <= SIGSEGV; ++s) {
    if (s == SIGILL || s == SIGTRAP || s == SIGBUS || s == SIGFPE ||
        s == SIGSEGV)
      on(s, jump);
  }
  page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
  if ((sig = sigsetjmp(back, 1)) == 0) *(volatile char *)(page + 10) = 1;
  report("read-only", sig, page + 10);
  if ((sig = sigsetjmp(back, 1)) == 0) page[0] = page[4096 + 7];
  report("unmapped", sig, page + 4096 + 7);
  if ((sig = sigsetjmp(back, 1)) == 0) {
    ((void (*)(void))(void *)(page + 16))();
  }
  report("not executable", sig, page + 16);
  if ((sig = sigsetjmp(back, 1)) == 0) {
    *(volatile char *)0x8000000000000000 = 1;
  }
  report("non-canonical", sig, NULL);
  int fd = open(temp_path("file"), O_RDWR | O_CREAT, 0600);
  CHECK(fd >= 0 && ftruncate(fd, 100) == 0);
  char *file = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
  CHECK(file != MAP_FAILED && file[50] == 0 && file[4000] == 0);
  if ((sig = sigsetjmp(back, 1)) == 0) page[0] = file[4096 + 1];
  report("beyond the file", sig, file + 4096 + 1);
  volatile int zero = 0;
  if ((sig = sigsetjmp(back, 1)) == 0) zero = 5 % zero;
  report("division", sig, NULL);
  if ((sig = sigsetjmp(back, 1)) == 0) __asm__ volatile("ud2");
  report("illegal", sig, NULL);
  if ((sig = sigsetjmp(back, 1)) == 0) __asm__ volatile("int3");
  report("breakpoint", sig, NULL);

  on(SIGSEGV, mend);
  *(volatile char *)(page + 20) = 3;  // goes on after the handler
  printf("mended: %d\n", page[20]);
  on(SIGILL, skip_two);
  uint64_t rbx = 0;
  __asm__ volatile("ud2\n" : "+b"(rbx));
  printf("registers from the handler: %d\n", (int)rbx);
  return 0;
}
