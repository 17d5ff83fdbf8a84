// SPDX-License-Identifier: Apache-2.0
//
// Bad user pointers of every sort to many calls: EFAULT, never a crash, and
// nothing half-done. Unmapped, read-only, kernel, non-canonical, PROT_NONE, and
// buffers that are good at the start and bad at the end.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#include "testdata/programs/lib/check.h"

static char *edge;  // one readable and writable page, then nothing
static char *read_only;
static int fds[2], file;

static void expect(long result, const char *what) {
  if (result != -1 || errno != EFAULT) {
    printf("FAIL: %s: %ld errno %d\n", what, result, errno);
    fflush(stdout);
    _exit(1);
  }
  errno = 0;
}
#define EXPECT_FAULT(call) expect((long)(call), #call)

// Calls that read what p points to.
static void reading(void *p) {
  struct iovec iov = {p, 100};
  EXPECT_FAULT(syscall(SYS_write, fds[1], p, 100));
  EXPECT_FAULT(syscall(SYS_write, file, p, 100));
  EXPECT_FAULT(syscall(SYS_writev, fds[1], &iov, 1));
  EXPECT_FAULT(syscall(SYS_open, p, O_RDONLY));
  EXPECT_FAULT(syscall(SYS_unlink, p));
  EXPECT_FAULT(syscall(SYS_rename, "/tmp", p));
  EXPECT_FAULT(syscall(SYS_execve, p, NULL, NULL));
  EXPECT_FAULT(syscall(SYS_execve, "/bin/true", p, NULL));
  EXPECT_FAULT(syscall(SYS_nanosleep, p, NULL));
  EXPECT_FAULT(syscall(SYS_rt_sigaction, SIGUSR1, p, NULL, 8));
  EXPECT_FAULT(syscall(SYS_rt_sigprocmask, SIG_BLOCK, p, NULL, 8));
  EXPECT_FAULT(syscall(SYS_setitimer, ITIMER_REAL, p, NULL));
  EXPECT_FAULT(syscall(SYS_chdir, p));
}

// Calls that write to what p points to.
static void writing(void *p) {
  EXPECT_FAULT(syscall(SYS_pread64, file, p, 100, 0));
  EXPECT_FAULT(syscall(SYS_stat, "/", p));
  EXPECT_FAULT(syscall(SYS_fstat, file, p));
  EXPECT_FAULT(syscall(SYS_pipe2, p, 0));
  EXPECT_FAULT(syscall(SYS_uname, p));
  EXPECT_FAULT(syscall(SYS_getcwd, p, 100));
  EXPECT_FAULT(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, p));
  EXPECT_FAULT(syscall(SYS_getrandom, p, 100, 0));
  EXPECT_FAULT(syscall(SYS_getrlimit, 0, p));
  EXPECT_FAULT(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, p, 8));
  EXPECT_FAULT(syscall(SYS_readlink, "/proc/self/exe", p, 100));
  EXPECT_FAULT(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, p));
  EXPECT_FAULT(syscall(SYS_sysinfo, p));
  int dir = open("/", O_RDONLY);
  EXPECT_FAULT(syscall(SYS_getdents64, dir, p, 1000));
  close(dir);
}

static void at_the_edge(void) {
  char *last = edge + 4096 - 10;
  memset(last, 'x', 10);
  // Ten good bytes, then nothing: partial transfers are allowed, EFAULT, too.
  ssize_t n = write(fds[1], last, 100);
  CHECK(n == 10 || (n == -1 && errno == EFAULT));
  if (n == 10) CHECK(read(fds[0], read_only - 4096, 10) == 10);
  EXPECT_FAULT(syscall(SYS_stat, "/", last));
  memset(last, 'x', 10);               // stat may have written a part
  EXPECT_FAULT(open(last, O_RDONLY));  // a name without an end
  strcpy(edge + 4096 - 5, "/tmp");     // ends at the very edge
  CHECK(access(edge + 4096 - 5, F_OK) == 0);
  struct pollfd *f = (struct pollfd *)(edge + 4096 - sizeof *f);
  *f = (struct pollfd){fds[1], POLLOUT, 0};
  CHECK(poll(f, 1, 0) == 1);
  volatile nfds_t two = 2;
  EXPECT_FAULT(syscall(SYS_poll, f, two, 0));
  // A fault while data is there: the data is not lost.
  CHECK(write(fds[1], "keep", 4) == 4);
  EXPECT_FAULT(syscall(SYS_read, fds[0], 8, 4));
  char b[8];
  CHECK(read(fds[0], b, 8) == 4 && memcmp(b, "keep", 4) == 0);
}

// The signal frame has nowhere to go: the process ends by SIGSEGV.
static void on_usr1(int sig) { (void)sig; }
static void bad_signal_stack(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    stack_t s = {.ss_sp = read_only, .ss_size = 4096 * 4};
    CHECK(sigaltstack(&s, NULL) == 0);
    struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    raise(SIGUSR1);
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGSEGV);
}

int main(void) {
  char *p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(p != MAP_FAILED);
  edge = p;
  read_only = p + 8 * 4096;
  CHECK(munmap(p + 4096, 4096) == 0);
  CHECK(mprotect(read_only, 4 * 4096, PROT_READ) == 0);
  char *none = p + 13 * 4096;
  CHECK(mprotect(none, 4096, PROT_NONE) == 0);
  CHECK(pipe(fds) == 0);
  file = open(temp_path("file"), O_RDWR | O_CREAT, 0600);
  CHECK(write(file, p, 4096) == 4096);
  static const uint64_t kBad[] = {8,
                                  0x700000000000,
                                  0x800000000000,
                                  0x8000000000000000,
                                  0xffffffff80000000,
                                  0xffff800000000000,
                                  0xfffffffffffffff8};
  for (size_t i = 0; i < sizeof kBad / sizeof *kBad; ++i) {
    reading((void *)kBad[i]);
    writing((void *)kBad[i]);
  }
  reading(none);
  reading(p + 4096);
  writing(none);
  writing(p + 4096);
  writing(read_only);
  at_the_edge();
  bad_signal_stack();
  printf("ok\n");
  return 0;
}
