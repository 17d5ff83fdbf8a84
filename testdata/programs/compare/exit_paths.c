// SPDX-License-Identifier: Apache-2.0
//
// Ways to end: return, exit with handlers, _exit, abort, from a thread, by the
// last thread, exec from a thread, a leader that ends before its threads.

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include "testdata/programs/lib/check.h"

static void first(void) { printf("handler 1\n"); }
static void second(void) { printf("handler 2\n"); }

static void *exit_from_thread(void *arg) { exit((int)(long)arg); }

static void *sleeper(void *arg) {
  for (;;) pause();
  return arg;
}

static void *late(void *arg) {
  sleep_ms(50);
  printf("late thread\n");
  return arg;
}

static void *exec_from_thread(void *arg) {
  execl("/bin/sh", "sh", "-c", "echo executed; exit 14", (char *)NULL);
  return arg;
}

static void start(void *(*body)(void *), void *arg) {
  pthread_t t;
  CHECK(pthread_create(&t, NULL, body, arg) == 0);
}

static void by_return(void) {
  atexit(first);
  atexit(second);
  exit(3);
}
static void by_underscore(void) {
  atexit(first);
  _exit(4);
}
static void by_thread(void) {
  start(sleeper, NULL);
  start(exit_from_thread, (void *)5l);
  for (;;) pause();
}
static void leader_first(void) {
  start(late, NULL);
  pthread_exit(NULL);
}
static void exec_in_thread(void) {
  start(sleeper, NULL);
  start(exec_from_thread, NULL);
  for (;;) pause();
}
static void by_signal_in_thread(void) {
  start(sleeper, NULL);
  kill(getpid(), SIGTERM);
  for (;;) pause();
}
static void large_status(void) { exit(0x1234); }
static void raw_exit(void) { syscall(SYS_exit, 6); }

static void run(const char *name, void (*body)(void)) {
  pid_t pid = must_fork();
  if (pid == 0) {
    body();
    _exit(99);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  printf("%s: ", name);
  if (WIFEXITED(status)) printf("exit %d\n", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
}

int main(void) {
  run("exit", by_return);
  run("_exit", by_underscore);
  run("exit in a thread", by_thread);
  run("leader first", leader_first);
  run("exec in a thread", exec_in_thread);
  run("signal with threads", by_signal_in_thread);
  run("large status", large_status);
  run("raw exit", raw_exit);
  return 0;
}
