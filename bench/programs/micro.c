// SPDX-License-Identifier: Apache-2.0
//
// Micro-benchmarks. `micro NAME [DIR]` runs one and prints one number: what
// NAME costs, in the unit that bench/run gives for it. Runs natively and in
// the guest; DIR is where file benchmarks put their file.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *dir = "/tmp";

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

// ms for a fixed floating-point and integer loop.
static double cpu(void) {
  double start = now_ns();
  volatile double sink;
  double x = 1.0;
  unsigned long h = 1469598103934665603ul;
  for (long i = 0; i < 100000000; ++i) {
    h = (h ^ (unsigned long)i) * 1099511628211ul;
    x = x * 0.999999 + (double)(h & 7);
  }
  sink = x;
  (void)sink;
  return (now_ns() - start) / 1e6;
}

// ns per system call that does nothing.
static double getppid_call(void) {
  enum { kCalls = 100000 };
  double start = now_ns();
  for (int i = 0; i < kCalls; ++i) syscall(SYS_getppid);
  return (now_ns() - start) / kCalls;
}

// ns per clock_gettime (the vDSO).
static double clock_call(void) {
  enum { kCalls = 100000 };
  double start = now_ns();
  for (int i = 0; i < kCalls; ++i) now_ns();
  return (now_ns() - start) / kCalls;
}

// us per first touch of a 4 KiB anonymous page.
static double fault(void) {
  enum { kPages = 4096 };
  char *p = mmap(NULL, kPages * 4096ul, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) die("mmap");
  madvise(p, kPages * 4096ul, MADV_NOHUGEPAGE);
  double start = now_ns();
  for (int i = 0; i < kPages; ++i) p[i * 4096l] = 1;
  return (now_ns() - start) / kPages / 1e3;
}

// us for fork, exit of the child, wait.
static double fork_wait(void) {
  enum { kForks = 50 };
  double start = now_ns();
  for (int i = 0; i < kForks; ++i) {
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) _exit(0);
    waitpid(pid, NULL, 0);
  }
  return (now_ns() - start) / kForks / 1e3;
}

// us for fork, exec of this program doing nothing, wait.
static double fork_exec(void) {
  enum { kForks = 20 };
  double start = now_ns();
  for (int i = 0; i < kForks; ++i) {
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      execl("/proc/self/exe", "micro", "nothing", (char *)NULL);
      _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    if (status != 0) {
      fprintf(stderr, "exec failed\n");
      exit(1);
    }
  }
  return (now_ns() - start) / kForks / 1e3;
}

// us for one byte to another process and back, through two pipes.
static double pipe_ping_pong(void) {
  enum { kRounds = 5000 };
  int there[2], back[2];
  char c = 'x';
  if (pipe(there) != 0 || pipe(back) != 0) die("pipe");
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    close(there[1]);
    while (read(there[0], &c, 1) == 1) {
      if (write(back[1], &c, 1) != 1) _exit(1);
    }
    _exit(0);
  }
  double start = now_ns();
  for (int i = 0; i < kRounds; ++i) {
    if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1) die("pipe");
  }
  double result = (now_ns() - start) / kRounds / 1e3;
  close(there[1]);
  waitpid(pid, NULL, 0);
  return result;
}

enum { kChunk = 65536, kChunks = 512 };

static int open_file(char *path, size_t size) {
  snprintf(path, size, "%s/crvm-bench-%d", dir, (int)getpid());
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) die(path);
  return fd;
}

static double write_chunks(int fd, char *buffer) {
  double start = now_ns();
  for (int i = 0; i < kChunks; ++i) {
    if (write(fd, buffer, kChunk) != kChunk) die("write");
  }
  return (now_ns() - start) / kChunks / 1e3;
}

// us per write of 64 KiB to a new file.
static double file_write(void) {
  static char buffer[kChunk];
  char path[4096];
  int fd = open_file(path, sizeof path);
  double result = write_chunks(fd, buffer);
  unlink(path);
  return result;
}

// us per read of 64 KiB from a file just written.
static double file_read(void) {
  static char buffer[kChunk];
  char path[4096];
  int fd = open_file(path, sizeof path);
  write_chunks(fd, buffer);
  lseek(fd, 0, SEEK_SET);
  double start = now_ns();
  for (int i = 0; i < kChunks; ++i) {
    if (read(fd, buffer, kChunk) != kChunk) die("read");
  }
  double result = (now_ns() - start) / kChunks / 1e3;
  unlink(path);
  return result;
}

// us per stat of an existing file.
static double file_stat(void) {
  enum { kCalls = 2000 };
  char path[4096];
  struct stat st;
  int fd = open_file(path, sizeof path);
  close(fd);
  double start = now_ns();
  for (int i = 0; i < kCalls; ++i) {
    if (stat(path, &st) != 0) die("stat");
  }
  double result = (now_ns() - start) / kCalls / 1e3;
  unlink(path);
  return result;
}

// us per open and close of an existing file.
static double file_open(void) {
  enum { kCalls = 2000 };
  char path[4096];
  int fd = open_file(path, sizeof path);
  close(fd);
  double start = now_ns();
  for (int i = 0; i < kCalls; ++i) {
    fd = open(path, O_RDONLY);
    if (fd < 0) die("open");
    close(fd);
  }
  double result = (now_ns() - start) / kCalls / 1e3;
  unlink(path);
  return result;
}

static const struct {
  const char *name;
  double (*run)(void);
} kBenchmarks[] = {
    {"cpu", cpu},
    {"getppid", getppid_call},
    {"clock", clock_call},
    {"fault", fault},
    {"fork", fork_wait},
    {"exec", fork_exec},
    {"pipe", pipe_ping_pong},
    {"write", file_write},
    {"read", file_read},
    {"stat", file_stat},
    {"open", file_open},
};

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "nothing") == 0) return 0;
  if (argc > 2) dir = argv[2];
  for (size_t i = 0; i < sizeof kBenchmarks / sizeof *kBenchmarks; ++i) {
    if (argc > 1 && strcmp(argv[1], kBenchmarks[i].name) == 0) {
      printf("%.3f\n", kBenchmarks[i].run());
      return 0;
    }
  }
  fprintf(stderr, "usage: micro NAME [DIR]\n");
  return 2;
}
