// SPDX-License-Identifier: Apache-2.0
//
// The alternate signal stack: used when asked for, survives a stack overflow,
// SS_DISABLE, SS_AUTODISARM, errors, inheritance over fork, reset over exec.

#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>

#include "testdata/programs/lib/check.h"

enum { kSize = 65536 };
static char area[kSize];
static volatile sig_atomic_t inside, flags_inside;
static sigjmp_buf back;
static volatile int endless = 1;

static void handler(int sig) {
  char here;
  stack_t s;
  inside = &here >= area && &here < area + kSize;
  CHECK(sigaltstack(NULL, &s) == 0);
  flags_inside = s.ss_flags;
  if (sig == SIGSEGV) siglongjmp(back, 1);
}

static void handle(int sig, int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  CHECK(sigaction(sig, &action, NULL) == 0);
}

static int deep(int n) {
  volatile char frame[4096];
  frame[n % 4096] = (char)n;
  if (endless) return deep(n + 1) + frame[n % 4096];
  return 0;
}

int main(void) {
  stack_t s = {.ss_sp = area, .ss_size = kSize}, old;
  CHECK(sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE);
  CHECK(sigaltstack(&s, &old) == 0);
  handle(SIGUSR1, SA_ONSTACK);
  raise(SIGUSR1);
  printf("with SA_ONSTACK: %d %d\n", inside, flags_inside);
  handle(SIGUSR1, 0);
  raise(SIGUSR1);
  printf("without: %d %d\n", inside, flags_inside);
  struct rlimit limit = {1 << 20, RLIM_INFINITY};
  getrlimit(RLIMIT_STACK, &limit);
  limit.rlim_cur = 1 << 20;
  CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
  handle(SIGSEGV, SA_ONSTACK | SA_NODEFER);
  for (volatile int i = 0; i < 2; ++i) {
    inside = 0;
    if (sigsetjmp(back, 1) == 0) deep(0);
    printf("stack overflow: %d\n", inside);
  }
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(sigaltstack(NULL, &old) == 0 && old.ss_sp == area);
    _exit(0);
  }
  reap(pid);
  stack_t tiny = {.ss_sp = area, .ss_size = 100};
  CHECK_FAILS(sigaltstack(&tiny, NULL), ENOMEM);
  stack_t bad = {.ss_sp = area, .ss_size = kSize, .ss_flags = 77};
  CHECK_FAILS(sigaltstack(&bad, NULL), EINVAL);
  stack_t off = {.ss_flags = SS_DISABLE};
  CHECK(sigaltstack(&off, NULL) == 0);
  handle(SIGUSR1, SA_ONSTACK);
  raise(SIGUSR1);
  printf("disabled: %d\n", inside);
  return 0;
}
