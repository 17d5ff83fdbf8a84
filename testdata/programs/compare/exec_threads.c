// SPDX-License-Identifier: Apache-2.0
//
// execve in a process with threads: they end, the pid stays, whichever thread
// calls; exit_group and fatal signals take sleeping threads along.

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include "testdata/programs/lib/check.h"

static char expected[16];
static char *const args[] = {"exec_threads", "again", expected, NULL};
extern char **environ;

static void *sleeping(void *arg) {
  while (arg != NULL) pause();
  return NULL;
}

static void *spinning(void *arg) {
  volatile unsigned long *n = arg;
  while (*n != ~0ul) ++*n;
  return NULL;
}

static void *executing(void *arg) {
  (void)arg;
  sleep_ms(10);
  execve("/proc/self/exe", args, environ);
  _exit(1);
}

static unsigned long spins;

static void start(void *(*body)(void *)) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, body, &spins) == 0);
}

static void exec_from(int leader) {
  pid_t pid = must_fork();
  if (pid == 0) {
    snprintf(expected, sizeof expected, "%d", (int)getpid());
    for (int i = 0; i < 4; ++i) start(sleeping);
    start(spinning);
    if (leader) executing(NULL);
    start(executing);
    for (;;) pause();
  }
  reap(pid);
}

static void *ending(void *arg) {
  (void)arg;
  sleep_ms(10);
  _exit(12);
}

static void *killing(void *arg) {
  (void)arg;
  sleep_ms(10);
  raise(SIGTERM);
  return NULL;
}

static int end_by(void *(*body)(void *)) {
  pid_t pid = must_fork();
  if (pid == 0) {
    for (int i = 0; i < 3; ++i) start(sleeping);
    start(spinning);
    start(body);
    for (;;) pause();
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  return status;
}

int main(int argc, char **argv) {
  if (argc > 2) {
    CHECK(getpid() == atoi(argv[2]));
    CHECK(syscall(SYS_gettid) == getpid());
    CHECK_FAILS(syscall(SYS_tgkill, getpid(), getpid() + 1, 0), ESRCH);
    pthread_t thread;  // threads can be made again
    CHECK(pthread_create(&thread, NULL, sleeping, &spins) == 0);
    printf("again\n");
    return 0;
  }
  exec_from(1);
  exec_from(0);
  int status = end_by(ending);
  printf("exit_group: %d\n", WEXITSTATUS(status));
  status = end_by(killing);
  printf("signal: %d\n", WTERMSIG(status));
  return 0;
}
