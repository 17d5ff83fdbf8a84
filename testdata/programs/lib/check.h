// SPDX-License-Identifier: Apache-2.0
//
// What the test programs share. They run natively and in the guest, in C and in
// C++, and depend on nothing but libc. A failed CHECK prints one line that
// begins with FAIL to standard output and ends the process with status 1.

#ifndef CRVM_TESTDATA_PROGRAMS_LIB_CHECK_H_
#define CRVM_TESTDATA_PROGRAMS_LIB_CHECK_H_

#ifndef _GNU_SOURCE
#error "compile the test programs with -D_GNU_SOURCE"
#endif
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(cond)                                       \
  do {                                                    \
    if (!(cond)) check_failed(__FILE__, __LINE__, #cond); \
  } while (0)

// The call must return -1 with this errno.
#define CHECK_FAILS(call, wanted)                                     \
  do {                                                                \
    errno = 0;                                                        \
    long check_result_ = (long)(call);                                \
    if (check_result_ != -1 || errno != (wanted)) {                   \
      check_failed(__FILE__, __LINE__, #call " fails with " #wanted); \
    }                                                                 \
  } while (0)

__attribute__((noreturn, unused)) static void check_failed(const char *file,
                                                           int line,
                                                           const char *what) {
  int saved = errno;
  const char *base = strrchr(file, '/');
  printf("FAIL: %s:%d: %s (errno %d)\n", base ? base + 1 : file, line, what,
         saved);
  fflush(stdout);
  _exit(1);
}

// Waits for a child that must exit with status 0.
__attribute__((unused)) static void reap(pid_t pid) {
  int status = -1;
  pid_t got;
  do {
    got = waitpid(pid, &status, 0);
  } while (got < 0 && errno == EINTR);
  CHECK(got == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// fork() that must succeed and leaves nothing unwritten in stdio buffers.
__attribute__((unused)) static pid_t must_fork(void) {
  fflush(stdout);
  pid_t pid = fork();
  CHECK(pid >= 0);
  return pid;
}

__attribute__((unused)) static void sleep_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&t, &t) != 0 && errno == EINTR) {
  }
}

__attribute__((unused)) static long long monotonic_ms(void) {
  struct timespec t;
  CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
  return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static char temp_dir_path[256];
static pid_t temp_dir_owner;

__attribute__((unused)) static int temp_dir_remove_one(const char *path,
                                                       const struct stat *st,
                                                       int type,
                                                       struct FTW *ftw) {
  (void)st;
  (void)type;
  (void)ftw;
  return remove(path);
}

__attribute__((unused)) static void temp_dir_remove(void) {
  if (getpid() != temp_dir_owner) return;
  nftw(temp_dir_path, temp_dir_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

// A new directory in $TMPDIR or /tmp, removed at exit().
__attribute__((unused)) static const char *temp_dir(void) {
  if (temp_dir_path[0] == 0) {
    const char *base = getenv("TMPDIR");
    snprintf(temp_dir_path, sizeof temp_dir_path, "%s/crvm-test-XXXXXX",
             base ? base : "/tmp");
    CHECK(mkdtemp(temp_dir_path) != NULL);
    temp_dir_owner = getpid();
    atexit(temp_dir_remove);
  }
  return temp_dir_path;
}

// temp_dir()/name, in a buffer that lives until the 8th next call.
__attribute__((unused)) static const char *temp_path(const char *name) {
  static char paths[8][512];
  static unsigned next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", temp_dir(), name);
  return path;
}

#endif  // CRVM_TESTDATA_PROGRAMS_LIB_CHECK_H_
