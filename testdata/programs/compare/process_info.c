// SPDX-License-Identifier: Apache-2.0
//
// Ids, limits, names, priorities, scheduling, uname, sysinfo, prctl: what a
// process asks about itself and may set.

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "testdata/programs/lib/check.h"

static void ids(void) {
  uid_t r, e, s;
  gid_t groups[256];
  CHECK(getresuid(&r, &e, &s) == 0 && r == getuid() && e == geteuid());
  CHECK(getresgid(&r, &e, &s) == 0 && r == getgid() && e == getegid());
  int n = getgroups(256, groups);
  CHECK(n >= 0);
  printf("uid %d gid %d groups %d\n", getuid(), getgid(), n);
  CHECK(setuid(getuid()) == 0 && setgid(getgid()) == 0);
  CHECK(setresuid(-1, -1, -1) == 0);
  CHECK(syscall(SYS_gettid) == getpid() && getppid() > 0);
}

static void limits(void) {
  struct rlimit l, saved;
  for (int i = 0; i < RLIM_NLIMITS; ++i) {
    CHECK(getrlimit(i, &l) == 0 && l.rlim_cur <= l.rlim_max);
  }
  CHECK(getrlimit(RLIMIT_NOFILE, &saved) == 0);
  l = (struct rlimit){64, saved.rlim_max};
  CHECK(setrlimit(RLIMIT_NOFILE, &l) == 0);
  int last = -1, n = 0;
  for (int fd; (fd = dup(0)) >= 0; ++n) last = fd;
  CHECK(errno == EMFILE && last == 63);
  for (int fd = last; n > 0; --fd, --n) close(fd);
  CHECK_FAILS(dup2(0, 64), EBADF);
  CHECK(setrlimit(RLIMIT_NOFILE, &saved) == 0);
  l = (struct rlimit){100, 50};
  CHECK_FAILS(setrlimit(RLIMIT_NOFILE, &l), EINVAL);
  CHECK_FAILS(getrlimit(99, &l), EINVAL);
  CHECK(prlimit(getpid(), RLIMIT_CORE, NULL, &l) == 0);
  // The size limit of files. The parent makes the directory, so as to remove
  // it.
  temp_dir();
  pid_t pid = must_fork();
  if (pid == 0) {
    l = (struct rlimit){100, 100};
    signal(SIGXFSZ, SIG_IGN);
    FILE *f = fopen(temp_path("limited"), "w");
    CHECK(f != NULL && setrlimit(RLIMIT_FSIZE, &l) == 0);
    char b[200] = "";
    CHECK(write(fileno(f), b, 200) == 100);
    CHECK_FAILS(write(fileno(f), b, 1), EFBIG);
    _exit(0);
  }
  reap(pid);
  // CPU time.
  pid = must_fork();
  if (pid == 0) {
    l = (struct rlimit){1, 2};
    CHECK(setrlimit(RLIMIT_CPU, &l) == 0);
    for (volatile long i = 0;; ++i) {
    }
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGXCPU);
}

static void names(void) {
  struct utsname u;
  CHECK(uname(&u) == 0);
  printf("%s %s\n", u.sysname, u.machine);
  CHECK(u.release[0] >= '3' && strlen(u.nodename) > 0);
  char name[65];
  CHECK(gethostname(name, sizeof name) == 0 && strcmp(name, u.nodename) == 0);
  char comm[16] = "";
  CHECK(prctl(PR_SET_NAME, "a-name-that-is-too-long", 0, 0, 0) == 0);
  CHECK(prctl(PR_GET_NAME, comm, 0, 0, 0) == 0);
  printf("name %s\n", comm);
  struct sysinfo s;
  CHECK(sysinfo(&s) == 0 && s.totalram > 0 && s.procs > 0 && s.uptime >= 0);
  CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1 && sysconf(_SC_PAGESIZE) == 4096);
}

static void scheduling(void) {
  cpu_set_t set;
  CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1);
  CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
  unsigned cpu, node;
  CHECK(getcpu(&cpu, &node) == 0 && CPU_ISSET(cpu, &set));
  CHECK(sched_getcpu() >= 0 && sched_yield() == 0);
  CHECK(sched_getscheduler(0) == SCHED_OTHER);
  CHECK(sched_get_priority_max(SCHED_FIFO) == 99);
  CHECK(sched_getscheduler(getppid()) >= 0);
  CHECK(sched_getaffinity(getppid(), sizeof set, &set) == 0);
  struct sched_param p;
  CHECK(sched_getparam(0, &p) == 0 && p.sched_priority == 0);
  int start = getpriority(PRIO_PROCESS, 0);  // whatever the caller's is
  CHECK(start <= 12);
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(nice(3) == start + 3 && getpriority(PRIO_PROCESS, 0) == start + 3);
    CHECK(setpriority(PRIO_PROCESS, 0, 15) == 0 && nice(0) == 15);
    _exit(0);
  }
  reap(pid);
  CHECK_FAILS(getpriority(99, 0), EINVAL);
}

static void control(void) {
  CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
  CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
  CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
  int reaper = 5;
  CHECK(prctl(PR_GET_CHILD_SUBREAPER, &reaper, 0, 0, 0) == 0 && reaper == 0);
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
  CHECK_FAILS(prctl(987654, 0, 0, 0, 0), EINVAL);
  CHECK_FAILS(syscall(999), ENOSYS);
  unsigned long fs;
  CHECK(syscall(SYS_arch_prctl, 0x1003, &fs) == 0);  // ARCH_GET_FS
  CHECK(*(unsigned long *)fs == fs);
}

int main(void) {
  ids();
  limits();
  names();
  scheduling();
  control();
  return 0;
}
