// SPDX-License-Identifier: Apache-2.0
//
// Sessions and process groups: setsid, setpgid and their errors, signals to
// groups, orphans and subreapers, getsid of others.

#include <signal.h>
#include <sys/prctl.h>

#include "testdata/programs/lib/check.h"

static pid_t pausing(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

static void end(pid_t pid, int sig) {
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == sig);
}

static void groups(void) {
  pid_t a = pausing(), b = pausing(), c = pausing();
  CHECK(getpgid(a) == getpgrp() && getsid(a) == getsid(0));
  CHECK(setpgid(a, a) == 0 && setpgid(b, a) == 0 && setpgid(c, 0) == 0);
  CHECK(getpgid(b) == a && getpgid(c) == c);
  CHECK_FAILS(setpgid(b, 99999999), EPERM);
  CHECK_FAILS(setpgid(99999999, 0), ESRCH);
  CHECK_FAILS(setpgid(b, -1), EINVAL);
  CHECK_FAILS(getpgid(99999999), ESRCH);
  CHECK(kill(-a, 0) == 0 && kill(-a, SIGTERM) == 0);
  end(a, SIGTERM);
  end(b, SIGTERM);
  CHECK_FAILS(kill(-a, 0), ESRCH);
  CHECK(kill(c, SIGKILL) == 0);
  end(c, SIGKILL);
}

static void sessions(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(setsid() == getpid() && getpgrp() == getpid());
    CHECK(getsid(0) == getpid());
    CHECK_FAILS(setsid(), EPERM);
    CHECK_FAILS(setpgid(0, 0), EPERM);  // a session leader
    pid_t child = pausing();
    CHECK(getsid(child) == getpid() && setpgid(child, child) == 0);
    pid_t other = pausing();
    CHECK(kill(0, 0) == 0);
    signal(SIGTERM, SIG_IGN);
    CHECK(kill(0, SIGTERM) == 0);  // this group: itself and other
    end(other, SIGTERM);
    CHECK(kill(child, SIGINT) == 0);
    end(child, SIGINT);
    pid_t runner = must_fork();
    if (runner == 0) {
      execl("/bin/sleep", "sleep", "100", (char *)NULL);
      _exit(127);
    }
    sleep_ms(200);
    CHECK_FAILS(setpgid(runner, runner), EACCES);  // it has executed
    CHECK(kill(runner, SIGKILL) == 0);
    end(runner, SIGKILL);
    _exit(0);
  }
  reap(pid);
}

static void orphans(void) {
  int line[2];
  pid_t ids[2];
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 && pipe(line) == 0);
  pid_t middle = must_fork();
  if (middle == 0) {
    pid_t parent = getpid(), orphan = must_fork();
    if (orphan == 0) {
      while (getppid() == parent) sleep_ms(2);
      ids[0] = getpid();
      ids[1] = getppid();
      CHECK(write(line[1], ids, sizeof ids) == sizeof ids);
      _exit(12);
    }
    _exit(11);
  }
  int status;
  CHECK(waitpid(middle, &status, 0) == middle && WEXITSTATUS(status) == 11);
  CHECK(read(line[0], ids, sizeof ids) == sizeof ids && ids[1] == getpid());
  CHECK(wait(&status) == ids[0] && WEXITSTATUS(status) == 12);
}

// A stopped group that loses its last connection gets SIGHUP and SIGCONT.
static void orphaned_stopped_group(void) {
  int line[2];
  CHECK(pipe(line) == 0);
  pid_t leader = must_fork();
  if (leader == 0) {
    CHECK(setsid() > 0);
    pid_t child = must_fork();
    if (child == 0) {
      close(line[0]);
      CHECK(setpgid(0, 0) == 0);
      raise(SIGSTOP);
      _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    _exit(0);
  }
  close(line[1]);
  int status;
  CHECK(waitpid(leader, &status, 0) == leader && status == 0);
  char c;
  CHECK(read(line[0], &c, 1) == 0);  // the stopped child is gone
  CHECK(wait(&status) > 0 && WTERMSIG(status) == SIGHUP);
}

static void parent_death(void) {
  int line[2];
  CHECK(pipe(line) == 0);
  pid_t middle = must_fork();
  if (middle == 0) {
    pid_t child = must_fork();
    if (child == 0) {
      CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
      CHECK(write(line[1], "r", 1) == 1);
      for (;;) pause();
    }
    char c;
    CHECK(read(line[0], &c, 1) == 1);
    _exit(0);
  }
  int status;
  CHECK(waitpid(middle, &status, 0) == middle);
  CHECK(wait(&status) > 0 && WTERMSIG(status) == SIGKILL);
}

int main(void) {
  groups();
  sessions();
  orphans();
  orphaned_stopped_group();
  parent_death();
  printf("ok\n");
  return 0;
}
