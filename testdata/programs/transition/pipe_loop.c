// SPDX-License-Identifier: Apache-2.0
//
// Four processes in a ring pass a growing message round, without a pause,
// while snapshots are taken.

#include "testdata/programs/lib/transition.h"

enum { kProcesses = 4 };

struct message {
  unsigned long round;
  unsigned long sum;
  int last;
};

static unsigned long mix(unsigned long sum, unsigned long round, int who) {
  return sum * 6364136223846793005ul + round * 31 + who;
}

static void member(int in, int out, int who) {
  struct message m;
  do {
    CHECK(read(in, &m, sizeof m) == sizeof m);
    m.sum = mix(m.sum, m.round, who);
    CHECK(write(out, &m, sizeof m) == sizeof m);
  } while (!m.last);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  int pipes[kProcesses][2];
  pid_t pids[kProcesses];
  for (int i = 0; i < kProcesses; ++i) CHECK(pipe(pipes[i]) == 0);
  for (int i = 1; i < kProcesses; ++i) {
    pids[i] = must_fork();
    if (pids[i] == 0) {
      member(pipes[i - 1][0], pipes[i][1], i);
      _exit(0);
    }
  }
  ready();
  struct message m = {0, 1, 0};
  unsigned long expected = 1;
  while (!m.last) {
    m.round++;
    m.last = m.round % 64 == 0 && released();
    m.sum = mix(m.sum, m.round, 0);
    for (int i = 0; i < kProcesses; ++i) expected = mix(expected, m.round, i);
    CHECK(write(pipes[0][1], &m, sizeof m) == sizeof m);
    CHECK(read(pipes[kProcesses - 1][0], &m, sizeof m) == sizeof m);
    CHECK(m.sum == expected);
  }
  for (int i = 1; i < kProcesses; ++i) reap(pids[i]);
  return pass();
}
