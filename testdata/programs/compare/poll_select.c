// SPDX-License-Identifier: Apache-2.0
//
// poll, ppoll, select and pselect: events, timeouts, signals and masks, regular
// files, closed and bad descriptors, wake-ups by another process.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/select.h>

#include "testdata/programs/lib/check.h"

// What the compiler must not see through.
static void *volatile bad_pointer = (void *)8;

static volatile sig_atomic_t handled;
static void on_usr1(int sig) {
  (void)sig;
  handled++;
}

static void timeouts(void) {
  long long start = monotonic_ms();
  CHECK(poll(NULL, 0, 50) == 0);
  CHECK(select(0, NULL, NULL, NULL, &(struct timeval){0, 50000}) == 0);
  CHECK(ppoll(NULL, 0, &(struct timespec){0, 50000000}, NULL) == 0);
  CHECK(pselect(0, NULL, NULL, NULL, &(struct timespec){0, 50000000}, NULL) ==
        0);
  CHECK(monotonic_ms() - start >= 195);
  struct timeval left = {5, 0};
  int p[2];
  CHECK(pipe(p) == 0 && write(p[1], "x", 1) == 1);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(p[0], &set);
  CHECK(select(p[0] + 1, &set, NULL, NULL, &left) == 1 && left.tv_sec >= 4);
  CHECK_FAILS(select(0, NULL, NULL, NULL, &(struct timeval){-1, 0}), EINVAL);
}

static void kinds(void) {
  int file = open("/proc/self/exe", O_RDONLY), null = open("/dev/null", O_RDWR);
  struct pollfd f[4] = {{file, POLLIN | POLLOUT, 0},
                        {null, POLLIN | POLLOUT, 0},
                        {999, POLLIN, 0},
                        {-1, POLLIN, 7}};
  CHECK(poll(f, 4, 1000) == 3);
  printf("file %d null %d bad %d ignored %d\n", f[0].revents, f[1].revents,
         f[2].revents, f[3].revents);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(50, &set);
  CHECK_FAILS(select(51, &set, NULL, NULL, NULL), EBADF);
  CHECK_FAILS(poll(bad_pointer, 1, 0), EFAULT);
}

static void woken_by_another(void) {
  int p[2], q[2];
  CHECK(pipe(p) == 0 && pipe(q) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    close(q[0]);
    sleep_ms(60);
    CHECK(write(p[1], "x", 1) == 1);
    sleep_ms(60);
    _exit(0);  // closes q's last writer
  }
  close(q[1]);
  close(p[1]);
  struct pollfd f[2] = {{p[0], POLLIN, 0}, {q[0], POLLIN, 0}};
  CHECK(poll(f, 2, 5000) == 1 && f[0].revents == POLLIN && f[1].revents == 0);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(q[0], &set);
  CHECK(select(q[0] + 1, &set, NULL, NULL, NULL) == 1 && FD_ISSET(q[0], &set));
  reap(pid);
  CHECK(poll(f, 2, 5000) == 2);
  printf("after the end: %d %d\n", f[0].revents, f[1].revents);
}

static void signals(void) {
  sigset_t block, none;
  struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  sigemptyset(&none);
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  CHECK(sigprocmask(SIG_BLOCK, &block, NULL) == 0);
  CHECK(raise(SIGUSR1) == 0 && poll(NULL, 0, 10) == 0 && handled == 0);
  CHECK_FAILS(ppoll(NULL, 0, NULL, &none), EINTR);
  CHECK(handled == 1 && raise(SIGUSR1) == 0);
  CHECK_FAILS(pselect(0, NULL, NULL, NULL, NULL, &none), EINTR);
  CHECK(handled == 2);
  sigset_t now;
  CHECK(sigprocmask(SIG_UNBLOCK, &block, &now) == 0);
  CHECK(sigismember(&now, SIGUSR1) == 1);
  pid_t pid = must_fork();
  if (pid == 0) {
    sleep_ms(60);
    kill(getppid(), SIGUSR1);
    _exit(0);
  }
  CHECK_FAILS(poll(NULL, 0, 5000), EINTR);  // never restarted
  reap(pid);
  printf("handled %d\n", handled);
}

int main(void) {
  timeouts();
  kinds();
  woken_by_another();
  signals();
  return 0;
}
