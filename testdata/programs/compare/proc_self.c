// SPDX-License-Identifier: Apache-2.0
//
// What libc and common programs read in /proc. Only what cannot differ between
// a guest and its host is printed; the rest is checked for sense.

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "testdata/programs/lib/check.h"

static char text[65536];

static char *slurp(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) printf("cannot open %s\n", path);
  CHECK(fd >= 0);
  size_t n = 0;
  ssize_t got;
  while ((got = read(fd, text + n, sizeof text - 1 - n)) > 0) n += got;
  CHECK(got == 0 && n > 0);
  close(fd);
  text[n] = 0;
  return text;
}

static long field(const char *path, const char *name) {
  char *at = strstr(slurp(path), name);
  CHECK(at != NULL);
  return strtol(at + strlen(name), NULL, 10);
}

static void links(char *self) {
  char target[512] = "", resolved[4096];
  CHECK(readlink("/proc/self/exe", target, sizeof target - 1) > 0);
  CHECK(realpath(self, resolved) != NULL && strcmp(target, resolved) == 0);
  memset(target, 0, sizeof target);
  CHECK(readlink("/proc/self/cwd", target, sizeof target - 1) > 0);
  CHECK(getcwd(resolved, sizeof resolved) && strcmp(target, resolved) == 0);
  CHECK(readlink("/proc/self/root", target, sizeof target) == 1);
  int fds[2];
  CHECK(pipe(fds) == 0);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fds[0]);
  memset(target, 0, sizeof target);
  CHECK(readlink(path, target, sizeof target - 1) > 0);
  CHECK(strncmp(target, "pipe:[", 6) == 0);
  const char *file = temp_path("file");
  int fd = open(file, O_RDWR | O_CREAT, 0600);
  snprintf(path, sizeof path, "/proc/%d/fd/%d", getpid(), fd);
  memset(target, 0, sizeof target);
  CHECK(readlink(path, target, sizeof target - 1) > 0);
  CHECK(realpath(file, resolved) != NULL && strcmp(target, resolved) == 0);
  CHECK(write(fd, "content", 7) == 7);
  int again = open(path, O_RDONLY);  // its own offset
  CHECK(again >= 0 && read(again, target, 100) == 7);
  DIR *dir = opendir("/proc/self/fd");
  int found = 0;
  for (struct dirent *e; (e = readdir(dir)) != NULL;)
    found += atoi(e->d_name) == fd;
  closedir(dir);
  CHECK(found == 1);
}

static void *thread_body(void *arg) {
  pthread_barrier_wait(arg);
  pthread_barrier_wait(arg);
  return NULL;
}

static void status(void) {
  CHECK(field("/proc/self/status", "\nPid:") == getpid());
  CHECK(field("/proc/self/status", "\nTgid:") == getpid());
  CHECK(field("/proc/self/status", "\nPPid:") == getppid());
  CHECK(field("/proc/self/status", "\nUid:") == (long)getuid());
  CHECK(field("/proc/self/status", "\nThreads:") == 1);
  CHECK(field("/proc/self/status", "\nVmRSS:") > 0);
  CHECK(strncmp(slurp("/proc/self/status"), "Name:\tproc_self", 15) == 0);
  int pid, ppid;
  char name[32], state;
  CHECK(sscanf(slurp("/proc/self/stat"), "%d (%31[^)]) %c %d", &pid, name,
               &state, &ppid) == 4);
  CHECK(pid == getpid() && ppid == getppid() && state == 'R');
  printf("name %s\n", name);
  printf("comm %s", slurp("/proc/self/comm"));
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_t t;
  CHECK(pthread_create(&t, NULL, thread_body, &barrier) == 0);
  pthread_barrier_wait(&barrier);
  CHECK(field("/proc/self/status", "\nThreads:") == 2);
  int tasks = 0;
  DIR *dir = opendir("/proc/self/task");
  CHECK(dir != NULL);
  for (struct dirent *e; (e = readdir(dir)) != NULL;)
    tasks += isdigit(e->d_name[0]) != 0;
  closedir(dir);
  CHECK(tasks == 2);
  pthread_barrier_wait(&barrier);
  pthread_join(t, NULL);
}

static void maps(void) {
  char *p = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE) == 0);
  char line[64];
  slurp("/proc/self/maps");
  snprintf(line, sizeof line, "%lx-%lx rw-p 00000000 00:00 0", (long)p + 4096,
           (long)p + 8192);
  CHECK(strstr(text, line) != NULL);
  CHECK(strstr(text, "[stack]") != NULL && strstr(text, "[vdso]") != NULL);
  CHECK(strstr(text, " r-xp ") != NULL && strstr(text, "/proc_self") != NULL);
}

static void system_wide(void) {
  CHECK(field("/proc/meminfo", "MemTotal:") > 16384);
  CHECK(field("/proc/meminfo", "MemFree:") > 0);
  CHECK(field("/proc/meminfo", "MemAvailable:") > 0);
  CHECK(strstr(slurp("/proc/cpuinfo"), "processor") != NULL);
  CHECK(strncmp(slurp("/proc/version"), "Linux version ", 14) == 0);
  double up, idle, load;
  CHECK(sscanf(slurp("/proc/uptime"), "%lf %lf", &up, &idle) == 2);
  CHECK(up >= 0 && idle >= 0);  // a VM may be as young as 0.00 s
  CHECK(sscanf(slurp("/proc/loadavg"), "%lf", &load) == 1);
  CHECK(strncmp(slurp("/proc/stat"), "cpu ", 4) == 0);
  CHECK(strstr(slurp("/proc/filesystems"), "tmpfs") != NULL);
  CHECK(strstr(slurp("/proc/self/mounts"), " / ") != NULL);
  CHECK(strstr(slurp("/proc/mounts"), " /proc proc ") != NULL);
  CHECK(strstr(slurp("/proc/self/mountinfo"), " / ") != NULL);
  CHECK(strtol(slurp("/proc/sys/kernel/pid_max"), NULL, 10) > 1000);
  CHECK(strlen(slurp("/proc/sys/kernel/random/uuid")) == 37);
  CHECK(strcmp(slurp("/proc/sys/kernel/ostype"), "Linux\n") == 0);
}

int main(int argc, char **argv) {
  (void)argc;
  links(argv[0]);
  status();
  maps();
  int n = 0;
  slurp("/proc/self/cmdline");
  CHECK(strcmp(text, argv[0]) == 0);
  slurp("/proc/self/environ");
  slurp("/proc/self/limits");
  slurp("/proc/self/statm");
  CHECK(sscanf(text, "%d", &n) == 1 && n > 100);
  system_wide();
  CHECK_FAILS(open("/proc/99999999/stat", O_RDONLY), ENOENT);
  CHECK_FAILS(open("/proc/self/nothing", O_RDONLY), ENOENT);
  printf("ok\n");
  return 0;
}
