// SPDX-License-Identifier: Apache-2.0
//
// pidfd_open, pidfd_send_signal, pidfd_getfd, waitid(P_PIDFD), poll on a pidfd,
// and clone3 with CLONE_PIDFD and CLONE_CLEAR_SIGHAND.

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "testdata/programs/lib/check.h"

static int readable(int fd, int timeout) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  int n = poll(&p, 1, timeout);
  CHECK(n >= 0);
  return n == 1 && (p.revents & POLLIN);
}

static void opened(void) {
  CHECK_FAILS(syscall(SYS_pidfd_open, 99999, 0), ESRCH);
  CHECK_FAILS(syscall(SYS_pidfd_open, -1, 0), EINVAL);
  CHECK_FAILS(syscall(SYS_pidfd_open, getpid(), 1), EINVAL);
  pid_t pid = must_fork();
  if (pid == 0) {
    for (;;) pause();
  }
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
  CHECK(!readable(fd, 0));
  CHECK(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0);
  CHECK_FAILS(syscall(SYS_pidfd_send_signal, fd, 100, NULL, 0), EINVAL);
  CHECK_FAILS(syscall(SYS_pidfd_send_signal, 0, SIGTERM, NULL, 0), EBADF);
  CHECK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) == 0);
  CHECK(readable(fd, 5000));
  siginfo_t info;
  CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0);
  CHECK(info.si_pid == pid && info.si_status == SIGTERM);
  CHECK(readable(fd, 0));
  CHECK_FAILS(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
  CHECK_FAILS(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
  CHECK_FAILS(waitid(P_PIDFD, 1, &info, WEXITED), EBADF);
  close(fd);
  printf("opened\n");
}

static void on_signal(int sig) { (void)sig; }

static void cloned(void) {
  signal(SIGUSR1, on_signal);
  signal(SIGUSR2, SIG_IGN);
  int fd = -1;
  struct clone_args args = {.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
                            .pidfd = (uint64_t)(uintptr_t)&fd,
                            .exit_signal = SIGCHLD};
  fflush(stdout);
  pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
  CHECK(pid >= 0);
  if (pid == 0) {
    struct sigaction a, b;
    sigaction(SIGUSR1, NULL, &a);
    sigaction(SIGUSR2, NULL, &b);
    _exit(a.sa_handler == SIG_DFL && b.sa_handler == SIG_IGN ? 0 : 1);
  }
  CHECK(fd >= 0 && readable(fd, 5000));
  reap(pid);
  close(fd);
  args.flags = CLONE_PIDFD | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
  CHECK_FAILS(syscall(SYS_clone3, &args, sizeof args), EINVAL);
  args.flags = 0;
  CHECK_FAILS(syscall(SYS_clone3, &args, 32), EINVAL);
  CHECK_FAILS(syscall(SYS_clone3, &args, 100000), E2BIG);
  CHECK_FAILS(syscall(SYS_clone3, NULL, sizeof args), EFAULT);
  printf("cloned\n");
}

static void descriptors(void) {
  int fd = open("/etc/passwd", O_RDONLY);
  CHECK(fd >= 0 && lseek(fd, 7, SEEK_SET) == 7);
  int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
  int copy = (int)syscall(SYS_pidfd_getfd, self, fd, 0);
  CHECK(copy >= 0 && copy != fd && lseek(copy, 0, SEEK_CUR) == 7);
  CHECK(fcntl(copy, F_GETFD) == FD_CLOEXEC);
  CHECK_FAILS(syscall(SYS_pidfd_getfd, self, 999, 0), EBADF);
  CHECK_FAILS(syscall(SYS_pidfd_getfd, self, fd, 1), EINVAL);
  printf("descriptors\n");
}

int main(void) {
  opened();
  cloned();
  descriptors();
  return 0;
}
