// SPDX-License-Identifier: Apache-2.0
//
// Process tree: sessions, groups, parents, zombies that nobody has waited for,
// an orphan, a subreaper; pids must stay what they were.

#include <signal.h>
#include <sys/prctl.h>

#include "testdata/programs/lib/transition.h"

struct ids {
  pid_t pid, ppid, pgid, sid;
};

static struct ids own_ids(void) {
  return (struct ids){getpid(), getppid(), getpgrp(), getsid(0)};
}

// Reports its ids when asked, until the pipe is closed.
static void member(int ask, int tell, int mode) {
  if (mode == 1) CHECK(setsid() == getpid());
  if (mode == 2) CHECK(setpgid(0, 0) == 0);
  for (char c;;) {
    struct ids ids = own_ids();
    CHECK(write(tell, &ids, sizeof ids) == sizeof ids);
    if (read(ask, &c, 1) != 1) _exit(40 + mode);
  }
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  enum { kMembers = 3 };
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
  pid_t pids[kMembers];
  int ask[kMembers][2], tell[2];
  struct ids before[kMembers], after, mine = own_ids();
  CHECK(pipe(tell) == 0);
  for (int i = 0; i < kMembers; ++i) {
    CHECK(pipe(ask[i]) == 0);
    pids[i] = must_fork();
    if (pids[i] == 0) {
      for (int k = 0; k <= i; ++k) close(ask[k][1]);
      member(ask[i][0], tell[1], i);
    }
    CHECK(read(tell[0], &before[i], sizeof after) == sizeof after);
    CHECK(before[i].pid == pids[i] && before[i].ppid == getpid());
  }
  // Two zombies, and an orphan that becomes this process's child.
  pid_t dead = must_fork();
  if (dead == 0) _exit(17);
  pid_t killed = must_fork();
  if (killed == 0) {
    for (;;) pause();
  }
  CHECK(kill(killed, SIGKILL) == 0);
  pid_t orphan = 0;
  pid_t middle = must_fork();
  if (middle == 0) {
    pid_t parent = getpid(), child = must_fork();
    if (child == 0) {
      while (getppid() == parent || !released()) sleep_ms(20);
      _exit(23);
    }
    CHECK(write(tell[1], &child, sizeof child) == sizeof child);
    _exit(0);
  }
  CHECK(read(tell[0], &orphan, sizeof orphan) == sizeof orphan);
  reap(middle);
  sleep_ms(50);
  ready();
  await_release();
  struct ids now = own_ids();
  CHECK(memcmp(&now, &mine, sizeof now) == 0);
  int status;
  CHECK(waitpid(dead, &status, WNOHANG) == dead && WEXITSTATUS(status) == 17);
  CHECK(waitpid(killed, &status, WNOHANG) == killed);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  CHECK(waitpid(orphan, &status, 0) == orphan && WEXITSTATUS(status) == 23);
  for (int i = 0; i < kMembers; ++i) {
    CHECK(write(ask[i][1], "x", 1) == 1);
    CHECK(read(tell[0], &after, sizeof after) == sizeof after);
    CHECK(memcmp(&after, &before[i], sizeof after) == 0);
    CHECK(close(ask[i][1]) == 0);
    CHECK(waitpid(pids[i], &status, 0) == pids[i]);
    CHECK(WEXITSTATUS(status) == 40 + i);
  }
  CHECK_FAILS(waitpid(-1, &status, 0), ECHILD);
  return pass();
}
