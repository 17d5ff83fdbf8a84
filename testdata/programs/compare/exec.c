// SPDX-License-Identifier: Apache-2.0
//
// execve and vfork: arguments and environment arrive, close-on-exec, scripts
// with and without interpreter arguments, what is inherited and what is reset,
// errors.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "testdata/programs/lib/check.h"

extern char **environ;

static void on_usr1(int sig) { (void)sig; }

// What the program sees when it has been executed again.
static int second_life(int argc, char **argv) {
  struct sigaction usr1, usr2;
  sigset_t mask;
  CHECK(sigaction(SIGUSR1, NULL, &usr1) == 0);
  CHECK(sigaction(SIGUSR2, NULL, &usr2) == 0);
  CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
  printf("argc %d:", argc);
  for (int i = 2; i < argc; ++i) printf(" <%s>", argv[i]);
  printf("\n");
  for (char **e = environ; *e != NULL; ++e) printf("env %s\n", *e);
  printf("handler reset: %d, ignore kept: %d, mask kept: %d\n",
         usr1.sa_handler == SIG_DFL, usr2.sa_handler == SIG_IGN,
         sigismember(&mask, SIGHUP));
  printf("fd 20: %d, fd 21: %d\n", fcntl(20, F_GETFD) >= 0,
         fcntl(21, F_GETFD) >= 0);
  return 0;
}

static void write_file(const char *path, const char *text, int mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  CHECK(fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void run(const char *path, char *const args[], char *const env[]) {
  pid_t pid = must_fork();
  if (pid == 0) {
    execve(path, args, env);
    printf("execve failed: %s\n", strerror(errno));
    fflush(stdout);
    _exit(0);
  }
  reap(pid);
}

static void inherit(void) {
  signal(SIGUSR1, on_usr1);
  signal(SIGUSR2, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  CHECK(dup2(1, 20) == 20 && dup3(1, 21, O_CLOEXEC) == 21);
  char *args[] = {"exec", "again", "", "two words", "\xc3\xa9", NULL};
  char *env[] = {"A=1", "EMPTY=", "WORDS=x y z", NULL};
  run("/proc/self/exe", args, env);
}

static void scripts(void) {
  char *no_env[] = {NULL};
  const char *script = temp_path("script");
  char *args[] = {"ignored", "one", NULL};
  write_file(script, "#!/bin/sh\necho script: $1\n", 0700);
  run(script, args, no_env);
  write_file(script, "#! /bin/sh -e  \necho with -e: $-\nfalse\necho no\n",
             0700);
  pid_t pid = must_fork();
  if (pid == 0) {
    execve(script, args, no_env);
    _exit(99);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 1);
  write_file(script, "no magic here\n", 0700);
  run(script, args, no_env);
  write_file(script, "#!/no/such/interpreter\n", 0700);
  run(script, args, no_env);
  write_file(script, "#!/bin/sh\n", 0600);
  if (getuid() != 0) run(script, args, no_env);
  run("/no/such/program", args, no_env);
  run("/tmp", args, no_env);
  run("/dev/null", args, no_env);
  write_file(script,
             "\x7f"
             "ELF and then nothing",
             0700);
  run(script, args, no_env);
}

static void with_vfork(void) {
  volatile int shared = 1;
  fflush(stdout);
  pid_t pid = vfork();
  CHECK(pid >= 0);
  if (pid == 0) {
    shared = 2;
    execl("/bin/true", "true", (char *)NULL);
    _exit(127);
  }
  printf("vfork shares memory: %d\n", shared == 2);
  reap(pid);
}

static void large_arguments(void) {
  enum { kArgs = 2000 };
  static char *args[kArgs + 2];
  args[0] = "true";
  for (int i = 1; i <= kArgs; ++i) {
    args[i] = "a hundred bytes or so, a hundred bytes or so, a hundred bytes";
  }
  run("/bin/true", args, environ);
  static char huge[300 * 1024];
  memset(huge, 'x', sizeof huge - 1);
  char *one[] = {"true", huge, NULL};
  run("/bin/true", one, environ);  // a single string above 128 KiB: E2BIG
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "again") == 0) return second_life(argc, argv);
  inherit();
  scripts();
  with_vfork();
  large_arguments();
  return 0;
}
