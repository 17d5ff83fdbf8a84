// SPDX-License-Identifier: Apache-2.0
//
// clone() below pthreads: shared and separate memory, descriptors and
// directories; tid pointers; set_tid_address; gettid and thread groups.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "testdata/programs/lib/check.h"

enum { kStack = 65536 };

static atomic_int value;
static int fd_made;
static volatile pid_t child_tid;
static pid_t parent_tid;

static char *stack(void) {
  char *p = mmap(NULL, kStack, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  CHECK(p != MAP_FAILED);
  return p + kStack;
}

static int body(void *arg) {
  value = (int)(long)arg;
  fd_made = open("/dev/null", O_RDONLY);
  return chdir("/usr") == 0 ? 6 : 7;
}

static void variant(const char *name, int flags) {
  value = 0;
  fd_made = -1;
  CHECK(chdir("/") == 0);
  pid_t pid = clone(body, stack(), flags | SIGCHLD, (void *)41l);
  CHECK(pid > 0);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 6);
  char cwd[64];
  CHECK(getcwd(cwd, sizeof cwd) != NULL);
  // With shared memory the number of the descriptor is known here.
  int shared_fd = fd_made >= 0 && fcntl(fd_made, F_GETFD) >= 0;
  printf("%s: memory %d files %d cwd %s\n", name, value == 41, shared_fd, cwd);
  if (shared_fd) close(fd_made);
}

static int thread_body(void *arg) {
  (void)arg;
  CHECK(getpid() != (pid_t)syscall(SYS_gettid));
  CHECK(child_tid == (pid_t)syscall(SYS_gettid));
  value = 100;
  syscall(SYS_exit, 0);
  return 0;
}

static void raw_thread(void) {
  int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
              CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
              CLONE_CHILD_CLEARTID;
  pid_t tid =
      clone(thread_body, stack(), flags, NULL, &parent_tid, NULL, &child_tid);
  CHECK(tid > 0 && parent_tid == tid);
  // CLONE_CHILD_CLEARTID: zero at the end of the thread.
  for (int i = 0; i < 2000 && (value != 100 || child_tid != 0); ++i) {
    sleep_ms(2);
  }
  CHECK(value == 100 && child_tid == 0);
  CHECK_FAILS(syscall(SYS_tgkill, getpid(), tid, 0), ESRCH);
}

int main(void) {
  variant("nothing shared", 0);
  variant("memory", CLONE_VM);
  variant("memory and files", CLONE_VM | CLONE_FILES);
  variant("memory and directories", CLONE_VM | CLONE_FS);
  variant("vfork", CLONE_VM | CLONE_VFORK);
  raw_thread();
  CHECK(syscall(SYS_gettid) == getpid());
  CHECK_FAILS(clone(body, stack(), CLONE_SIGHAND, NULL), EINVAL);
  CHECK_FAILS(clone(body, stack(), CLONE_THREAD, NULL), EINVAL);
  printf("done\n");
  return 0;
}
