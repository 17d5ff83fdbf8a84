// SPDX-License-Identifier: Apache-2.0
//
// What a process carries with it: working directory, umask, environment, argv,
// limits, name, ids, nice value, affinity, dumpable, no_new_privs, death
// signal.

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "testdata/programs/lib/transition.h"

extern char **environ;

static unsigned long hash_strings(char **strings) {
  unsigned long h = 5381;
  for (; *strings != NULL; ++strings) {
    for (char *c = *strings; *c; ++c) h = h * 33 + (unsigned char)*c;
    h = h * 33 + 1;
  }
  return h;
}

static void read_name(char *name) {
  CHECK(prctl(PR_GET_NAME, name, 0, 0, 0) == 0);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  char directory[512], now[512], name[32] = "";
  snprintf(directory, sizeof directory, "%s/sub", temp_dir());
  CHECK(mkdir(directory, 0700) == 0 && chdir(directory) == 0);
  CHECK(getcwd(directory, sizeof directory) != NULL);
  umask(027);
  CHECK(setenv("CRVM_TEST_NEW", "value", 1) == 0);
  CHECK(prctl(PR_SET_NAME, "renamed", 0, 0, 0) == 0);
  CHECK(prctl(PR_SET_PDEATHSIG, SIGHUP, 0, 0, 0) == 0);
  struct rlimit limit = {100, 200}, core = {0, 0}, got;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(setrlimit(RLIMIT_CORE, &core) == 0);
  int nice_value = getpriority(PRIO_PROCESS, 0) + 3;
  CHECK(setpriority(PRIO_PROCESS, 0, nice_value) == 0);
  cpu_set_t cpus, cpus_now;
  CHECK(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
  unsigned long env_hash = hash_strings(environ);
  unsigned long arg_hash = hash_strings(argv);
  uid_t uid = getuid();
  gid_t gid = getegid();
  pid_t pid = getpid(), parent = getppid();
  ready();
  await_release();
  CHECK(getcwd(now, sizeof now) != NULL && strcmp(now, directory) == 0);
  CHECK(umask(0) == 027);
  CHECK(hash_strings(environ) == env_hash && hash_strings(argv) == arg_hash);
  CHECK(strcmp(getenv("CRVM_TEST_NEW"), "value") == 0);
  read_name(name);
  CHECK(strcmp(name, "renamed") == 0);
  int death = 0;
  CHECK(prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0) == 0 && death == SIGHUP);
  CHECK(getrlimit(RLIMIT_NOFILE, &got) == 0);
  CHECK(got.rlim_cur == 100 && got.rlim_max == 200);
  CHECK(getpriority(PRIO_PROCESS, 0) == nice_value);
  CHECK(sched_getaffinity(0, sizeof cpus_now, &cpus_now) == 0);
  CHECK(CPU_EQUAL(&cpus, &cpus_now));
  CHECK(getuid() == uid && getegid() == gid);
  CHECK(getpid() == pid && getppid() == parent);
  // Relative names still lead into the same directory.
  CHECK(mkdir("made", 0777) == 0 && rmdir("made") == 0);
  CHECK(chdir("/") == 0);
  return pass();
}
