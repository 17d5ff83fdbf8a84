// SPDX-License-Identifier: Apache-2.0
//
// Forks, executes itself, and waits, without a pause, while snapshots are
// taken: they hit processes in every stage of their lives.

#include "testdata/programs/lib/transition.h"

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "child") == 0) {
    return atoi(argv[2]) % 100;  // after exec
  }
  transition_init(argc, argv);
  ready();
  int rounds = 0;
  for (; !released(); ++rounds) {
    enum { kChildren = 4 };
    pid_t pids[kChildren];
    for (int i = 0; i < kChildren; ++i) {
      pids[i] = must_fork();
      if (pids[i] == 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", rounds + i);
        if (i % 2 == 0) _exit((rounds + i) % 100);
        execl("/proc/self/exe", "fork_storm", "child", number, (char *)NULL);
        _exit(127);
      }
    }
    for (int i = kChildren - 1; i >= 0; --i) {
      int status;
      CHECK(waitpid(pids[i], &status, 0) == pids[i]);
      CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (rounds + i) % 100);
    }
  }
  CHECK(rounds > 0);
  return pass();
}
