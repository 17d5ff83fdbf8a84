// SPDX-License-Identifier: Apache-2.0
//
// Queued signals and synchronous waiting: order and values, sigwait,
// sigtimedwait, signalfd, per-thread delivery, SIGPIPE.

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>

#include "testdata/programs/lib/check.h"

static sigset_t set;
static volatile sig_atomic_t got_pipe;
static void on_pipe(int sig) { got_pipe = sig; }

static void queue(int sig, int value) {
  union sigval v = {.sival_int = value};
  CHECK(sigqueue(getpid(), sig, v) == 0);
}

static void order(void) {
  // Lowest number first; within a number, first in, first out.
  queue(SIGRTMIN + 2, 1);
  queue(SIGRTMIN + 1, 2);
  queue(SIGRTMIN + 2, 3);
  queue(SIGRTMIN + 1, 4);
  queue(SIGUSR1, 5);
  siginfo_t info;
  for (int i = 0; i < 5; ++i) {
    int sig = sigwaitinfo(&set, &info);
    printf("%s%d value %d\n", sig >= SIGRTMIN ? "RT+" : "",
           sig >= SIGRTMIN ? sig - SIGRTMIN : sig, info.si_value.sival_int);
  }
  struct timespec t = {0, 30000000};
  long long start = monotonic_ms();
  CHECK_FAILS(sigtimedwait(&set, &info, &t), EAGAIN);
  CHECK(monotonic_ms() - start >= 29);
}

static void with_signalfd(void) {
  int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  struct signalfd_siginfo info[4];
  CHECK(fd >= 0);
  CHECK_FAILS(read(fd, info, sizeof info), EAGAIN);
  queue(SIGRTMIN + 1, 77);
  CHECK(kill(getpid(), SIGUSR1) == 0);
  CHECK(read(fd, info, sizeof info) == 2 * sizeof info[0]);
  printf("signalfd: %d %d, %d\n", info[0].ssi_signo == SIGUSR1,
         info[1].ssi_signo == (uint32_t)SIGRTMIN + 1, info[1].ssi_int);
  CHECK(info[0].ssi_pid == (uint32_t)getpid());
  CHECK_FAILS(read(fd, info, 5), EINVAL);
  close(fd);
}

static void *wait_in_thread(void *arg) {
  int sig;
  CHECK(sigwait(arg, &sig) == 0);
  return (void *)(long)sig;
}

static void to_thread(void) {
  pthread_t t;
  void *sig;
  CHECK(pthread_create(&t, NULL, wait_in_thread, &set) == 0);
  CHECK(pthread_kill(t, SIGUSR1) == 0);
  CHECK(pthread_join(t, &sig) == 0);
  printf("in a thread: %d\n", sig == (void *)(long)SIGUSR1);
  CHECK(pthread_create(&t, NULL, wait_in_thread, &set) == 0);
  CHECK(kill(getpid(), SIGRTMIN + 2) == 0);  // only that thread waits
  CHECK(pthread_join(t, &sig) == 0);
  printf("to the process: %d\n", sig == (void *)(long)(SIGRTMIN + 2));
}

static void broken_pipe(void) {
  int fds[2];
  CHECK(pipe(fds) == 0);
  close(fds[0]);
  signal(SIGPIPE, on_pipe);
  CHECK_FAILS(write(fds[1], "x", 1), EPIPE);
  printf("SIGPIPE: %d\n", got_pipe == SIGPIPE);
  got_pipe = 0;
  signal(SIGPIPE, SIG_IGN);
  CHECK_FAILS(write(fds[1], "x", 1), EPIPE);
  pid_t pid = must_fork();
  if (pid == 0) {
    signal(SIGPIPE, SIG_DFL);
    CHECK(write(fds[1], "x", 1) == 1);
    _exit(1);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGPIPE);
}

int main(void) {
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN + 1);
  sigaddset(&set, SIGRTMIN + 2);
  CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  order();
  with_signalfd();
  to_thread();
  broken_pipe();
  return 0;
}
