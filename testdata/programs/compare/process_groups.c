// SPDX-License-Identifier: Apache-2.0
//
// setpgid, setsid, getpgid, getsid: what is allowed; orphaned process groups
// with stopped members get SIGHUP and SIGCONT.

#include <fcntl.h>
#include <signal.h>

#include "testdata/programs/lib/check.h"

static pid_t pausing(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

static void end(pid_t pid) {
  int status;
  CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
}

static void groups(void) {
  pid_t a = pausing(), b = pausing();
  CHECK(getpgid(a) == getpgrp() && getsid(a) == getsid(0));
  CHECK(setpgid(a, 0) == 0 && getpgid(a) == a);
  CHECK(setpgid(b, a) == 0 && getpgid(b) == a);
  CHECK(setpgid(b, b) == 0 && setpgid(b, getpgrp()) == 0);
  CHECK_FAILS(setpgid(a, -1), EINVAL);
  CHECK_FAILS(setpgid(getppid(), 0), ESRCH);
  CHECK_FAILS(setpgid(b, 99999), EPERM);
  CHECK_FAILS(getpgid(99999), ESRCH);
  CHECK_FAILS(getsid(99999), ESRCH);
  CHECK(setpgid(b, a) == 0);
  end(a);
  // The group is still there: b is in it, so its number is not free.
  CHECK(kill(-a, 0) == 0);
  CHECK(waitpid(-a, NULL, WNOHANG) == 0);
  end(b);
  CHECK_FAILS(kill(-a, 0), ESRCH);
  printf("groups\n");
}

static void sessions(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(setsid() == getpid());
    CHECK(getsid(0) == getpid() && getpgrp() == getpid());
    CHECK_FAILS(setsid(), EPERM);
    CHECK_FAILS(setpgid(0, 0), EPERM);
    pid_t inner = pausing();
    CHECK(getsid(inner) == getpid());
    end(inner);
    _exit(0);
  }
  reap(pid);
  pid = must_fork();
  if (pid == 0) {
    CHECK(setpgid(0, 0) == 0);
    CHECK_FAILS(setsid(), EPERM);  // leads a group
    _exit(0);
  }
  reap(pid);
  printf("sessions\n");
}

static void after_exec(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    execl("/bin/sleep", "sleep", "100", (char *)NULL);
    _exit(1);
  }
  int error = 0;
  for (int i = 0; i < 1000 && error != EACCES; ++i) {
    error = setpgid(pid, i % 2 ? getpgrp() : pid) ? errno : 0;
    if (error != EACCES) sleep_ms(2);
  }
  CHECK(error == EACCES);
  end(pid);
  printf("not after exec\n");
}

static void child_session(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    setsid();
    for (;;) pause();
  }
  for (int i = 0; i < 1000 && getsid(pid) != pid; ++i) sleep_ms(2);
  CHECK_FAILS(setpgid(pid, pid), EPERM);
  end(pid);
}

static int report_fd;
static void on_hangup(int sig) {
  (void)sig;
  (void)!write(report_fd, "H", 1);
}

// A middle process whose end leaves its stopped child's group an orphan.
static void orphaned_group(void) {
  char path[64];
  snprintf(path, sizeof path, "%s", temp_path("hangup"));
  pid_t middle = must_fork();
  if (middle == 0) {
    pid_t child = must_fork();
    if (child == 0) {
      setpgid(0, 0);
      report_fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
      signal(SIGHUP, on_hangup);
      raise(SIGSTOP);
      (void)!write(report_fd, "C", 1);
      _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    _exit(0);
  }
  reap(middle);
  char text[8] = "";
  for (int i = 0; i < 2000 && strlen(text) < 2; ++i) {
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    CHECK(n >= 0);
    text[n] = 0;
    close(fd);
    sleep_ms(2);
  }
  printf("orphaned group: %s\n", text);
}

int main(void) {
  groups();
  sessions();
  after_exec();
  child_session();
  orphaned_group();
  return 0;
}
