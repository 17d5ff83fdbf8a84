// SPDX-License-Identifier: Apache-2.0
//
// Blocked masks and signals pending on the process and on one thread, with
// their values and in order; dispositions; a stopped child with a pending
// signal.

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "testdata/programs/lib/transition.h"

static atomic_int thread_stage;
static volatile sig_atomic_t handled;

static void handler(int sig, siginfo_t *info, void *context) {
  (void)context;
  if (sig == SIGUSR2 && info->si_code == SI_TKILL) handled++;
}

static void *thread_body(void *arg) {
  (void)arg;
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
  CHECK(pthread_kill(pthread_self(), SIGUSR2) == 0);
  thread_stage = 1;
  while (thread_stage != 2) sleep_ms(5);
  CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR2) == 1);
  CHECK(handled == 0);
  CHECK(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
  CHECK(handled == 1);
  return NULL;
}

static void queue_signals(void) {
  for (int i = 0; i < 5; ++i) {
    union sigval value = {.sival_int = 1000 + i};
    CHECK(sigqueue(getpid(), SIGRTMIN + 3, value) == 0);
  }
  CHECK(kill(getpid(), SIGUSR1) == 0);
  CHECK(kill(getpid(), SIGUSR1) == 0);  // collapses into one
}

static void check_queue(const sigset_t *set) {
  siginfo_t info;
  struct timespec zero = {0, 0};
  CHECK(sigtimedwait(set, &info, &zero) == SIGUSR1);
  CHECK(info.si_pid == getpid() && info.si_code == SI_USER);
  for (int i = 0; i < 5; ++i) {
    CHECK(sigtimedwait(set, &info, &zero) == SIGRTMIN + 3);
    CHECK(info.si_code == SI_QUEUE && info.si_value.sival_int == 1000 + i);
  }
  CHECK_FAILS(sigtimedwait(set, &info, &zero), EAGAIN);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  pid_t stopped = must_fork();
  if (stopped == 0) {
    for (;;) pause();
  }
  int status;
  CHECK(kill(stopped, SIGSTOP) == 0);
  CHECK(waitpid(stopped, &status, WUNTRACED) == stopped && WIFSTOPPED(status));
  CHECK(kill(stopped, SIGTERM) == 0);  // stays pending while it is stopped

  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
  action.sa_sigaction = handler;
  sigaddset(&action.sa_mask, SIGHUP);
  CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
  CHECK(signal(SIGTTOU, SIG_IGN) == SIG_DFL);
  // Before the thread exists: it must not take the process's signals.
  sigset_t set, now;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN + 3);
  CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, thread_body, NULL) == 0);
  while (thread_stage != 1) sleep_ms(5);

  queue_signals();
  ready();
  await_release();

  CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
  CHECK(sigismember(&now, SIGUSR1) && sigismember(&now, SIGRTMIN + 3));
  CHECK(!sigismember(&now, SIGUSR2) && !sigismember(&now, SIGTERM));
  struct sigaction old;
  CHECK(sigaction(SIGUSR2, NULL, &old) == 0);
  CHECK(old.sa_sigaction == handler && sigismember(&old.sa_mask, SIGHUP));
  CHECK((old.sa_flags & (SA_SIGINFO | SA_RESTART)) ==
        (SA_SIGINFO | SA_RESTART));
  CHECK(sigaction(SIGTTOU, NULL, &old) == 0 && old.sa_handler == SIG_IGN);
  check_queue(&set);
  thread_stage = 2;
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(waitpid(stopped, &status, WNOHANG) == 0);
  CHECK(kill(stopped, SIGCONT) == 0);
  CHECK(waitpid(stopped, &status, 0) == stopped);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  return pass();
}
