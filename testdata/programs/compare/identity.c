// SPDX-License-Identifier: Apache-2.0
//
// User and group ids, capabilities, limits, prctl: rules and errors.

#include <grp.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

#include "testdata/programs/lib/check.h"

static void in_child(void (*body)(void)) {
  pid_t pid = must_fork();
  if (pid == 0) {
    body();
    fflush(stdout);
    _exit(0);
  }
  reap(pid);
}

static void user_ids(void) {
  uid_t r, e, s;
  CHECK(getresuid(&r, &e, &s) == 0 && r == getuid() && e == geteuid());
  CHECK(setresuid(-1, e, -1) == 0 && setreuid(-1, e) == 0);
  CHECK(setuid(getuid()) == 0 && setgid(getgid()) == 0);
  CHECK(getgroups(0, NULL) >= 0);
  CHECK_FAILS(syscall(SYS_getgroups, -1, NULL), EINVAL);
  if (getuid() != 0) {
    CHECK_FAILS(setuid(getuid() + 1), EPERM);
    CHECK_FAILS(setgroups(0, NULL), EPERM);
    return;
  }
  gid_t groups[3] = {5, 7, 9}, got[8];
  CHECK(setgroups(3, groups) == 0 && getgroups(8, got) == 3 && got[1] == 7);
  CHECK_FAILS(getgroups(2, got), EINVAL);
  CHECK(setresgid(1000, 1000, 1000) == 0 && getegid() == 1000);
  CHECK(setresuid(1000, 1001, 1002) == 0);
  CHECK(getresuid(&r, &e, &s) == 0 && r == 1000 && e == 1001 && s == 1002);
  CHECK(setuid(1002) == 0 && geteuid() == 1002 && getuid() == 1000);
  CHECK(setreuid(1002, 1000) == 0 && getuid() == 1002 && geteuid() == 1000);
  CHECK_FAILS(setuid(0), EPERM);
  CHECK_FAILS(setgroups(0, NULL), EPERM);
  CHECK(prctl(PR_GET_DUMPABLE) == 0);
}

static void signals_to_others(void) {
  if (getuid() != 0) return;
  pid_t root = must_fork();
  if (root == 0) {
    for (;;) pause();
  }
  pid_t user = must_fork();
  if (user == 0) {
    CHECK(setresuid(1000, 1000, 1000) == 0);
    CHECK_FAILS(kill(root, SIGTERM), EPERM);
    CHECK_FAILS(kill(root, 0), EPERM);
    CHECK(kill(root, SIGCONT) == 0);  // the same session
    struct rlimit limit;
    CHECK_FAILS(prlimit(root, RLIMIT_CORE, NULL, &limit), EPERM);
    _exit(0);
  }
  reap(user);
  CHECK(kill(root, SIGKILL) == 0 && wait(NULL) == root);
}

static void limits(void) {
  struct rlimit old, now = {100, 200}, got;
  CHECK(prlimit(0, RLIMIT_NOFILE, &now, &old) == 0);
  CHECK(getrlimit(RLIMIT_NOFILE, &got) == 0);
  CHECK(got.rlim_cur == 100 && got.rlim_max == 200);
  now.rlim_cur = 201;
  CHECK_FAILS(setrlimit(RLIMIT_NOFILE, &now), EINVAL);
  now.rlim_cur = 150;
  CHECK(setrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK_FAILS(getrlimit(99, &got), EINVAL);
  CHECK_FAILS(prlimit(99999, RLIMIT_CPU, NULL, &got), ESRCH);
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(getrlimit(RLIMIT_NOFILE, &got) == 0 && got.rlim_cur == 150);
    _exit(0);
  }
  reap(pid);
}

static void process_options(void) {
  char name[17] = "";
  CHECK(prctl(PR_SET_NAME, "a name that is too long") == 0);
  CHECK(prctl(PR_GET_NAME, name) == 0);
  printf("name: %s\n", name);
  CHECK(prctl(PR_GET_DUMPABLE) == 1 && prctl(PR_SET_DUMPABLE, 0) == 0);
  CHECK(prctl(PR_GET_DUMPABLE) == 0);
  CHECK_FAILS(prctl(PR_SET_DUMPABLE, 7), EINVAL);
  CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
  CHECK_FAILS(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
  CHECK(prctl(PR_SET_TIMERSLACK, 1234) == 0);
  CHECK(prctl(PR_GET_TIMERSLACK) == 1234);
  CHECK_FAILS(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
  CHECK_FAILS(prctl(PR_CAPBSET_READ, 99), EINVAL);
  CHECK_FAILS(prctl(99999, 0, 0, 0, 0), EINVAL);
  CHECK(personality(0xffffffff) == 0 && personality(ADDR_NO_RANDOMIZE) == 0);
  CHECK(personality(0xffffffff) == ADDR_NO_RANDOMIZE);
}

static void system_calls(void) {
  struct utsname name;
  struct sysinfo info;
  struct rusage usage;
  struct tms tms;
  CHECK(uname(&name) == 0);
  printf("%s on %s\n", name.sysname, name.machine);
  CHECK(sysinfo(&info) == 0 && info.totalram > 0 && info.procs > 0);
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0);
  CHECK(getrusage(RUSAGE_CHILDREN, &usage) == 0);
  CHECK_FAILS(syscall(SYS_getrusage, 77, &usage), EINVAL);
  CHECK(times(&tms) != (clock_t)-1);
  unsigned cpu = 99;
  CHECK(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 && cpu < 99);
  unsigned char a[300] = {0}, b[300] = {0};
  CHECK(syscall(SYS_getrandom, a, sizeof a, 0) == sizeof a);
  CHECK(syscall(SYS_getrandom, b, sizeof b, 1) == sizeof b);
  CHECK(memcmp(a, b, sizeof a) != 0);
  CHECK_FAILS(syscall(SYS_getrandom, a, 8, 0x80), EINVAL);
}

// Time of children that were waited for.
static void children_usage(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    struct rusage usage;
    do {
      CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    } while (usage.ru_utime.tv_sec == 0 && usage.ru_utime.tv_usec < 20000);
    _exit(0);
  }
  struct rusage child, all;
  CHECK(wait4(pid, NULL, 0, &child) == pid);
  CHECK(getrusage(RUSAGE_CHILDREN, &all) == 0);
  CHECK(child.ru_utime.tv_sec > 0 || child.ru_utime.tv_usec >= 20000);
  CHECK(all.ru_utime.tv_sec > 0 || all.ru_utime.tv_usec >= 20000);
}

int main(void) {
  in_child(user_ids);
  in_child(signals_to_others);
  in_child(limits);
  in_child(process_options);
  in_child(system_calls);
  in_child(children_usage);
  printf("done\n");
  return 0;
}
