// SPDX-License-Identifier: Apache-2.0
//
// Handlers: arguments, masks during and after, SA_RESTART and EINTR,
// SA_NODEFER, SA_RESETHAND, nesting, siglongjmp, delivery to blocked processes,
// sigsuspend.

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

#include "testdata/programs/lib/check.h"

static volatile sig_atomic_t calls, depth, max_depth, mask_in_handler;
static siginfo_t last_info;
static sigjmp_buf back;

static void basic(int sig, siginfo_t *info, void *context) {
  calls++;
  last_info = *info;
  ucontext_t *u = context;
  CHECK(sig == info->si_signo && u->uc_mcontext.gregs[REG_RIP] != 0);
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  mask_in_handler = sigismember(&now, sig) + 2 * sigismember(&now, SIGHUP);
}

static void nesting(int sig) {
  if (++depth > max_depth) max_depth = depth;
  if (depth < 3) raise(sig);
  depth--;
}

static void jumping(int sig) { siglongjmp(back, sig); }

static void handle(int sig, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  CHECK(sigaction(sig, &action, NULL) == 0);
}

static void handle_info(int sig, int flags) {
  struct sigaction action = {.sa_flags = flags | SA_SIGINFO};
  action.sa_sigaction = basic;
  sigaddset(&action.sa_mask, SIGHUP);
  CHECK(sigaction(sig, &action, NULL) == 0);
}

// A child sends SIGUSR1 after 100 ms and writes a byte after 200.
static ssize_t interrupted_read(int flags, int *error) {
  int fds[2];
  CHECK(pipe(fds) == 0);
  handle_info(SIGUSR1, flags);
  pid_t pid = must_fork();
  if (pid == 0) {
    sleep_ms(100);
    kill(getppid(), SIGUSR1);
    sleep_ms(100);
    CHECK(write(fds[1], "x", 1) == 1);
    _exit(0);
  }
  char c;
  errno = 0;
  ssize_t n = read(fds[0], &c, 1);
  *error = errno;
  reap(pid);
  close(fds[0]);
  close(fds[1]);
  return n;
}

static void masks(void) {
  sigset_t set, old, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  calls = 0;
  CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
  CHECK(raise(SIGUSR1) == 0 && raise(SIGUSR1) == 0);
  CHECK(calls == 0 && sigpending(&pending) == 0);
  CHECK(sigismember(&pending, SIGUSR1) == 1);
  CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
  printf("blocked twice, delivered %d\n", calls);
  CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGUSR1) == 0);
  sigfillset(&old);
  sigdelset(&old, SIGUSR1);
  CHECK_FAILS(sigsuspend(&old), EINTR);
  printf("sigsuspend, delivered %d\n", calls);
  CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
  sigfillset(&set);  // SIGKILL and SIGSTOP cannot be blocked
  CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
  CHECK(sigprocmask(SIG_SETMASK, NULL, &old) == 0);
  printf("kill blocked: %d\n", sigismember(&old, SIGKILL));
  sigemptyset(&set);
  CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
}

int main(void) {
  handle_info(SIGUSR1, 0);
  CHECK(kill(getpid(), SIGUSR1) == 0);
  CHECK(last_info.si_code == SI_USER && last_info.si_pid == getpid());
  printf("calls %d mask in handler %d\n", calls, mask_in_handler);
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  CHECK(!sigismember(&now, SIGUSR1) && !sigismember(&now, SIGHUP));
  int error;
  ssize_t n = interrupted_read(0, &error);
  printf("read without SA_RESTART: %zd %d\n", n, error == EINTR);
  n = interrupted_read(SA_RESTART, &error);
  printf("read with SA_RESTART: %zd %d\n", n, error);
  masks();
  handle(SIGUSR2, nesting, SA_NODEFER);
  raise(SIGUSR2);
  printf("depth with SA_NODEFER %d\n", max_depth);
  max_depth = 0;
  handle(SIGUSR2, nesting, SA_RESETHAND | SA_NODEFER);
  signal(SIGUSR2, nesting);
  handle_info(SIGUSR2, SA_RESETHAND);
  raise(SIGUSR2);
  struct sigaction action;
  CHECK(sigaction(SIGUSR2, NULL, &action) == 0);
  printf("reset: %d\n", action.sa_handler == SIG_DFL);
  handle(SIGUSR2, jumping, 0);
  for (volatile int i = 0; i < 3; ++i) {
    if (sigsetjmp(back, 1) == 0) raise(SIGUSR2);
  }
  printf("jumped back three times\n");
  CHECK_FAILS(kill(getpid(), 99), EINVAL);
  CHECK(signal(SIGKILL, jumping) == SIG_ERR && errno == EINVAL);
  CHECK(signal(SIGSTOP, SIG_IGN) == SIG_ERR && errno == EINVAL);
  return 0;
}
