// SPDX-License-Identifier: Apache-2.0
//
// SIGCHLD and job control: what the parent is told of exits, stops and
// continues; SA_NOCLDSTOP, SA_NOCLDWAIT; stopped groups.

#include <signal.h>

#include "testdata/programs/lib/check.h"

static volatile sig_atomic_t count;
static siginfo_t last;

static void on_child(int sig, siginfo_t *info, void *context) {
  (void)sig;
  (void)context;
  last = *info;
  count++;
}

static void handle(int flags) {
  struct sigaction action = {.sa_flags = flags | SA_SIGINFO | SA_RESTART};
  action.sa_sigaction = on_child;
  CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
  count = 0;
}

static pid_t child(int exit_status) {
  pid_t pid = must_fork();
  if (pid == 0) {
    if (exit_status >= 0) _exit(exit_status);
    for (;;) pause();
  }
  return pid;
}

static void await(int n) {
  for (int i = 0; i < 1000 && count < n; ++i) sleep_ms(5);
  CHECK(count == n);
}

static void told(const char *what, pid_t pid) {
  CHECK(last.si_pid == pid && last.si_uid == getuid());
  printf("%s: code %d status %d\n", what, last.si_code, last.si_status);
}

int main(void) {
  int status;
  handle(0);
  pid_t pid = child(3);
  await(1);
  told("exit", pid);
  CHECK(waitpid(pid, &status, 0) == pid);
  pid = child(-1);
  CHECK(kill(pid, SIGSTOP) == 0);
  await(2);
  told("stop", pid);
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
  CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
  CHECK(kill(pid, SIGCONT) == 0);
  await(3);
  told("continue", pid);
  CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
  CHECK(kill(pid, SIGKILL) == 0);
  await(4);
  told("kill", pid);
  CHECK(waitpid(pid, &status, 0) == pid);

  handle(SA_NOCLDSTOP);
  pid = child(-1);
  CHECK(kill(pid, SIGTSTP) == 0);
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WSTOPSIG(status) == SIGTSTP);
  CHECK(count == 0);
  CHECK(kill(pid, SIGTERM) == 0);
  CHECK(waitpid(pid, &status, WNOHANG) == 0);  // stopped: not delivered yet
  CHECK(kill(pid, SIGCONT) == 0);
  CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);

  handle(SA_NOCLDWAIT);
  pid = child(0);
  CHECK_FAILS(waitpid(pid, &status, 0), ECHILD);
  printf("no zombie\n");
  signal(SIGCHLD, SIG_IGN);
  child(0);
  child(1);
  CHECK_FAILS(wait(&status), ECHILD);
  signal(SIGCHLD, SIG_DFL);
  pid = child(4);
  CHECK(wait(&status) == pid && WEXITSTATUS(status) == 4);
  return 0;
}
