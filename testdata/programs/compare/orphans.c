// SPDX-License-Identifier: Apache-2.0
//
// Who becomes the parent: subreapers, zombies that change hands, parent death
// signals; a leader that ends before its threads; CLONE_PARENT.

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "testdata/programs/lib/check.h"

struct shared {
  atomic_int pid, parent, signals, go;
};
static struct shared *shared;

static void until(atomic_int *value) {
  for (int i = 0; i < 5000 && *value == 0; ++i) sleep_ms(1);
  CHECK(*value != 0);
}

static void subreaper(void) {
  int is = -1;
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
  CHECK(prctl(PR_GET_CHILD_SUBREAPER, &is, 0, 0, 0) == 0 && is == 1);
  pid_t middle = must_fork();
  if (middle == 0) {
    pid_t orphan = must_fork();
    if (orphan == 0) {
      pid_t old = getppid();
      shared->pid = getpid();
      while (getppid() == old) sleep_ms(1);
      shared->parent = getppid();
      _exit(33);
    }
    until(&shared->pid);
    _exit(0);
  }
  reap(middle);
  int status;
  CHECK(waitpid(shared->pid, &status, 0) == shared->pid);
  CHECK(shared->parent == getpid() && WEXITSTATUS(status) == 33);
  // A zombie that its parent has not waited for.
  middle = must_fork();
  if (middle == 0) {
    pid_t zombie = must_fork();
    if (zombie == 0) _exit(34);
    siginfo_t info;
    CHECK(waitid(P_PID, zombie, &info, WEXITED | WNOWAIT) == 0);
    shared->pid = zombie;
    _exit(0);
  }
  reap(middle);
  CHECK(waitpid(shared->pid, &status, 0) == shared->pid);
  CHECK(WEXITSTATUS(status) == 34);
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0);
  printf("subreaper\n");
}

static void on_death(int sig) {
  (void)sig;
  shared->signals++;
}

static void death_signal(void) {
  shared->pid = shared->signals = 0;
  pid_t middle = must_fork();
  if (middle == 0) {
    pid_t child = must_fork();
    if (child == 0) {
      int sig = 0;
      signal(SIGUSR1, on_death);
      CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
      CHECK(prctl(PR_GET_PDEATHSIG, &sig) == 0 && sig == SIGUSR1);
      shared->pid = getpid();
      until(&shared->signals);
      shared->go = 1;
      _exit(0);
    }
    until(&shared->pid);
    _exit(0);
  }
  reap(middle);
  until(&shared->go);
  printf("death signal\n");
}

static void *outlive(void *arg) {
  (void)arg;
  sleep_ms(50);
  shared->go = (int)syscall(SYS_getpid);
  sleep_ms(50);
  _exit(21);
}

static void leader_first(void) {
  shared->go = 0;
  pid_t pid = must_fork();
  if (pid == 0) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, outlive, NULL) == 0);
    syscall(SYS_exit, 20);
  }
  sleep_ms(20);
  int status;
  CHECK(waitpid(pid, &status, WNOHANG) == 0);  // not while a thread lives
  CHECK(kill(pid, 0) == 0);
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 21);
  CHECK(shared->go == pid);
  printf("leader first\n");
}

static void *leave(void *arg) {
  sleep_ms(20);
  return arg;
}

// Ends when its last thread does.
static void last_thread(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, leave, NULL) == 0);
    pthread_exit(NULL);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  printf("last thread: %d\n", WEXITSTATUS(status));
}

static int sibling_body(void *arg) {
  (void)arg;
  _exit(getppid() == shared->parent ? 5 : 6);
}

static void sibling(void) {
  shared->parent = getpid();
  shared->pid = 0;
  pid_t middle = must_fork();
  if (middle == 0) {
    static char stack[65536] __attribute__((aligned(16)));
    pid_t pid = clone(sibling_body, stack + sizeof stack, CLONE_PARENT, NULL);
    CHECK(pid > 0);
    CHECK_FAILS(waitpid(pid, NULL, 0), ECHILD);
    shared->pid = pid;
    _exit(0);
  }
  reap(middle);
  int status;
  CHECK(waitpid(shared->pid, &status, 0) == shared->pid);
  printf("sibling: %d\n", WEXITSTATUS(status));
}

int main(void) {
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                -1, 0);
  CHECK(shared != MAP_FAILED);
  subreaper();
  death_signal();
  leader_first();
  last_thread();
  sibling();
  return 0;
}
