// SPDX-License-Identifier: Apache-2.0
//
// The subject of the snapshot benchmarks. `ticker MIB FILE` fills MIB MiB with
// incompressible bytes, then every millisecond writes "TICKS MAX_GAP_US\n" over
// the beginning of FILE: how often it has done so, and the longest time between
// two ticks so far, which during a snapshot is the pause that the program saw.
// It ends when FILE.stop exists.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static void fill(uint64_t *p, size_t words) {
  uint64_t x = 88172645463325252ull;  // xorshift64
  for (size_t i = 0; i < words; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    p[i] = x;
  }
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: ticker MIB FILE\n");
    return 2;
  }
  size_t size = strtoul(argv[1], NULL, 0) << 20;
  char stop[4096];
  snprintf(stop, sizeof stop, "%s.stop", argv[2]);
  if (size != 0) {
    uint64_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
      perror("mmap");
      return 1;
    }
    fill(p, size / 8);
  }
  int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) {
    perror(argv[2]);
    return 1;
  }
  int64_t last = now_us(), max_gap = 0;
  for (long ticks = 1;; ++ticks) {
    char line[64];
    int n = snprintf(line, sizeof line, "%12ld %12lld\n", ticks,
                     (long long)max_gap);
    if (pwrite(fd, line, n, 0) != n) return 1;
    if (ticks % 64 == 0 && access(stop, F_OK) == 0) return 0;
    usleep(1000);
    int64_t now = now_us();
    if (now - last > max_gap) max_gap = now - last;
    last = now;
  }
}
