// SPDX-License-Identifier: Apache-2.0
//
// fork, wait, wait4, waitpid and waitid in their variants; statuses; ECHILD.

#include <signal.h>
#include <sys/resource.h>

#include "testdata/programs/lib/check.h"

static pid_t exiting(int status) {
  pid_t pid = must_fork();
  if (pid == 0) _exit(status);
  return pid;
}

static pid_t pausing(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

static void nested(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    pid_t inner = exiting(5);
    int status;
    CHECK(wait(&status) == inner && WEXITSTATUS(status) == 5);
    _exit(0);
  }
  reap(pid);
}

int main(void) {
  int status;
  CHECK_FAILS(wait(&status), ECHILD);
  for (int i = 0; i < 256; i += 51) {
    pid_t pid = exiting(i);
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("exit %d: %d %d\n", i, WIFEXITED(status), WEXITSTATUS(status));
  }
  pid_t a = exiting(1), b = exiting(2);
  pid_t first = wait(NULL), second = wait(NULL);
  CHECK((first == a && second == b) || (first == b && second == a));

  pid_t p = pausing();
  CHECK(waitpid(p, &status, WNOHANG) == 0);
  CHECK(kill(p, SIGTERM) == 0);
  CHECK(wait4(p, &status, 0, &(struct rusage){0}) == p);
  printf("killed: %d by %d\n", WIFSIGNALED(status), WTERMSIG(status));
  CHECK_FAILS(waitpid(p, &status, 0), ECHILD);
  CHECK_FAILS(kill(p, 0), ESRCH);

  siginfo_t info;
  p = exiting(7);
  CHECK(waitid(P_PID, p, &info, WEXITED | WNOWAIT) == 0);
  CHECK(info.si_pid == p && info.si_code == CLD_EXITED && info.si_status == 7);
  CHECK(waitid(P_PID, p, &info, WEXITED) == 0 && info.si_pid == p);
  CHECK_FAILS(waitid(P_ALL, 0, &info, WEXITED), ECHILD);

  p = must_fork();
  if (p == 0) {
    setpgid(0, 0);
    _exit(9);
  }
  setpgid(p, p);
  CHECK(waitpid(-p, &status, 0) == p && WEXITSTATUS(status) == 9);
  nested();
  CHECK_FAILS(waitpid(-1, &status, 0x40000000 | 64), EINVAL);
  enum { kMany = 50 };
  for (int i = 0; i < kMany; ++i) exiting(i);
  int sum = 0;
  for (int i = 0; i < kMany; ++i) {
    CHECK(wait(&status) > 0);
    sum += WEXITSTATUS(status);
  }
  printf("many: %d\n", sum);
  return 0;
}
