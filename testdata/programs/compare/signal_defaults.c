// SPDX-License-Identifier: Apache-2.0
//
// Default actions: what ends a child, what stops it, what is ignored.

#include <signal.h>
#include <sys/resource.h>

#include "testdata/programs/lib/check.h"

static int status_of(int sig) {
  pid_t pid = must_fork();
  if (pid == 0) {
    raise(sig);
    _exit(50);  // it was ignored
  }
  int status;
  CHECK(waitpid(pid, &status, WUNTRACED) == pid);
  if (WIFSTOPPED(status)) {
    int end;
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &end, 0) == pid);
  }
  return status;
}

static void crash(const char *name, void (*how)(void)) {
  pid_t pid = must_fork();
  if (pid == 0) {
    how();
    _exit(51);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  printf("%s: %s\n", name,
         WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "no signal");
}

// Addresses that the compiler cannot see through.
static volatile unsigned long low = 8;
static volatile int endless = 1;

static void null_pointer(void) { *(volatile int *)low = 1; }
static void divide(void) {
  volatile int zero = 0;
  zero = 7 / zero;
}
static void illegal(void) { __asm__ volatile("ud2"); }
static void privileged(void) { __asm__ volatile("hlt"); }
static void trap(void) { __asm__ volatile("int3"); }
static void non_canonical(void) { *(volatile int *)0x8000000000000000 = 1; }
static void run_data(void) {
  static char data[16];
  ((void (*)(void))(void *)data)();
}
static void deep(void) {
  // Beyond the stack limit.
  volatile char frame[65536];
  frame[0] = 1;
  frame[65535] = frame[0];
  if (endless) deep();
  frame[1] = frame[65535];
}

int main(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  struct rlimit stack = {1 << 20, 1 << 20};
  setrlimit(RLIMIT_STACK, &stack);
  for (int sig = 1; sig <= 31; ++sig) {
    int s = status_of(sig);
    if (WIFSIGNALED(s))
      printf("%s: killed by %d\n", sigabbrev_np(sig), WTERMSIG(s));
    if (WIFSTOPPED(s))
      printf("%s: stopped by %d\n", sigabbrev_np(sig), WSTOPSIG(s));
    if (WIFEXITED(s)) printf("%s: ignored\n", sigabbrev_np(sig));
  }
  printf("RTMIN: killed by RTMIN+%d\n",
         WTERMSIG(status_of(SIGRTMIN)) - SIGRTMIN);
  crash("null pointer", null_pointer);
  crash("division", divide);
  crash("illegal instruction", illegal);
  crash("privileged instruction", privileged);
  crash("breakpoint", trap);
  crash("non-canonical address", non_canonical);
  crash("data as code", run_data);
  crash("stack overflow", deep);
  crash("abort", abort);
  return 0;
}
