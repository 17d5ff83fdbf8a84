// SPDX-License-Identifier: Apache-2.0
//
// Random changes of one file's contents by every way that there is (read,
// write, mmap, truncate, fallocate, copies between files, another process),
// against a model in memory: all ways must agree at all times.
// contents_random [DIRECTORY [SEED [OPERATIONS]]].

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "testdata/programs/lib/check.h"

enum { kMax = 300000 };

static uint64_t g_state;
static unsigned rnd(unsigned n) {
  g_state ^= g_state << 13;
  g_state ^= g_state >> 7;
  g_state ^= g_state << 17;
  return (unsigned)((g_state >> 11) % n);
}

static char g_model[kMax], g_buffer[kMax];
static size_t g_size;
static int g_fd, g_other;
static char g_path[300], g_other_path[310];

static void fill(char *to, size_t n) {
  char c = (char)rnd(256);
  for (size_t i = 0; i < n; ++i) to[i] = (char)(c + i * 7);
}

static size_t pick_offset(void) {
  switch (rnd(4)) {
    case 0:
      return rnd(kMax / 4096) * 4096;
    case 1:
      return g_size;
    default:
      return rnd(kMax);
  }
}

static size_t pick_length(size_t offset) {
  size_t n = rnd(3) ? rnd(6000) : rnd(100000);
  return n < kMax - offset ? n : kMax - offset;
}

static void model_write(size_t offset, const char *data, size_t n) {
  if (n == 0) return;
  if (offset > g_size) memset(g_model + g_size, 0, offset - g_size);
  memcpy(g_model + offset, data, n);
  if (offset + n > g_size) g_size = offset + n;
}

static void model_truncate(size_t size) {
  if (size > g_size) memset(g_model + g_size, 0, size - g_size);
  g_size = size;
}

static void verify(void) {
  struct stat st;
  CHECK(fstat(g_fd, &st) == 0 && (size_t)st.st_size == g_size);
  CHECK((size_t)pread(g_fd, g_buffer, kMax, 0) == g_size);
  CHECK(memcmp(g_buffer, g_model, g_size) == 0);
}

static void write_some(void) {
  size_t offset = pick_offset(), n = pick_length(offset);
  fill(g_buffer, n);
  switch (rnd(4)) {
    case 0: {
      size_t half = n / 2;
      struct iovec v[2] = {{g_buffer, half}, {g_buffer + half, n - half}};
      CHECK((size_t)pwritev(g_fd, v, 2, offset) == n);
      break;
    }
    case 1: {
      int fd = open(g_path, O_WRONLY | O_APPEND);
      CHECK(fd >= 0);
      offset = g_size;
      if (n > kMax - offset) n = kMax - offset;
      CHECK((size_t)write(fd, g_buffer, n) == n);
      close(fd);
      break;
    }
    case 2: {
      CHECK(lseek(g_fd, offset, SEEK_SET) == (off_t)offset);
      CHECK((size_t)write(g_fd, g_buffer, n) == n);
      CHECK(lseek(g_fd, 0, SEEK_CUR) == (off_t)(offset + n));
      break;
    }
    default:
      CHECK((size_t)pwrite(g_fd, g_buffer, n, offset) == n);
  }
  model_write(offset, g_buffer, n);
}

static void read_some(void) {
  size_t offset = pick_offset(), n = pick_length(offset);
  size_t expected = offset >= g_size ? 0 : g_size - offset;
  if (expected > n) expected = n;
  CHECK((size_t)pread(g_fd, g_buffer, n, offset) == expected);
  CHECK(memcmp(g_buffer, g_model + offset, expected) == 0);
}

// A mapping of part of the file: reads it, perhaps writes it.
static void map_some(void) {
  if (g_size == 0) return;
  size_t offset = rnd((g_size + 4095) / 4096) * 4096;
  size_t n = 1 + rnd(g_size - offset);
  int shared = rnd(2);
  char *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
                 shared ? MAP_SHARED : MAP_PRIVATE, g_fd, offset);
  CHECK(p != MAP_FAILED);
  if (rnd(2)) CHECK(memcmp(p, g_model + offset, n) == 0);
  size_t at = rnd(n), length = 1 + rnd(n - at < 9000 ? n - at : 9000);
  if (rnd(2)) {
    fill(g_buffer, length);
    memcpy(p + at, g_buffer, length);
    if (shared) memcpy(g_model + offset + at, g_buffer, length);
    // The rest is as it was, and the file sees what it should.
    CHECK(memcmp(p, g_model + offset, at) == 0);
    CHECK(memcmp(p + at + length, g_model + offset + at + length,
                 n - at - length) == 0);
    if (rnd(3) == 0) verify();
  }
  if (shared && rnd(4) == 0) CHECK(msync(p, n, MS_SYNC) == 0);
  CHECK(munmap(p, n) == 0);
}

static void resize(void) {
  if (rnd(2)) {
    size_t size = rnd(4) ? rnd(kMax) : rnd(5000);
    CHECK((rnd(2) ? ftruncate(g_fd, size) : truncate(g_path, size)) == 0);
    model_truncate(size);
    return;
  }
  size_t offset = pick_offset(), n = pick_length(offset) + 1;
  if (offset + n > kMax) return;
  if (rnd(2)) {
    int r = fallocate(g_fd, 3, offset, n);  // punch a hole
    if (r < 0) {
      CHECK(errno == EOPNOTSUPP);
      return;
    }
    if (offset < g_size) {
      size_t end = offset + n < g_size ? offset + n : g_size;
      memset(g_model + offset, 0, end - offset);
    }
  } else {
    int r = fallocate(g_fd, 0, offset, n);
    if (r < 0) {
      CHECK(errno == EOPNOTSUPP);
      return;
    }
    if (offset + n > g_size) model_truncate(offset + n);
  }
}

// Out to another file and back in elsewhere.
static void copy_some(void) {
  if (g_size == 0) return;
  size_t from = rnd(g_size), n = 1 + rnd(g_size - from);
  size_t to = rnd(kMax - n + 1);
  CHECK(ftruncate(g_other, 0) == 0 && lseek(g_other, 0, SEEK_SET) == 0);
  off_t offset = from;
  for (size_t done = 0; done < n;) {
    ssize_t k =
        rnd(2) ? sendfile(g_other, g_fd, &offset, n - done)
               : copy_file_range(g_fd, &offset, g_other, NULL, n - done, 0);
    CHECK(k > 0);
    done += k;
  }
  CHECK(lseek(g_other, 0, SEEK_SET) == 0);
  off_t out = to;
  for (size_t done = 0; done < n;) {
    ssize_t k = copy_file_range(g_other, NULL, g_fd, &out, n - done, 0);
    CHECK(k > 0);
    done += k;
  }
  memcpy(g_buffer, g_model + from, n);
  model_write(to, g_buffer, n);
}

// Another process writes, by its own open file and mapping.
static void other_process(void) {
  size_t offset = pick_offset(), n = pick_length(offset);
  fill(g_buffer, n);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    int fd = open(g_path, O_RDWR);
    CHECK(fd >= 0);
    CHECK((size_t)pwrite(fd, g_buffer, n, offset) == n);
    if (n > 0) {
      char *p = mmap(NULL, offset + n, PROT_READ, MAP_SHARED, fd, 0);
      CHECK(p != MAP_FAILED && memcmp(p + offset, g_buffer, n) == 0);
    }
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  model_write(offset, g_buffer, n);
}

static void reopen(void) {
  if (rnd(2)) CHECK(fsync(g_fd) == 0);
  CHECK(close(g_fd) == 0);
  g_fd = open(g_path, O_RDWR);
  CHECK(g_fd >= 0);
}

static void run(const char *directory, uint64_t seed, int operations) {
  snprintf(g_path, sizeof(g_path), "%s/contents_random.%d", directory,
           (int)getpid());
  snprintf(g_other_path, sizeof(g_other_path), "%s.other", g_path);
  g_fd = open(g_path, O_RDWR | O_CREAT | O_TRUNC, 0644);
  g_other = open(g_other_path, O_RDWR | O_CREAT | O_TRUNC, 0644);
  CHECK(g_fd >= 0 && g_other >= 0);
  g_state = seed * 0x9e3779b97f4a7c15u + 1;
  g_size = 0;
  for (int i = 0; i < operations; ++i) {
    switch (rnd(12)) {
      case 0:
      case 1:
      case 2:
        write_some();
        break;
      case 3:
      case 4:
        read_some();
        break;
      case 5:
      case 6:
      case 7:
        map_some();
        break;
      case 8:
        resize();
        break;
      case 9:
        copy_some();
        break;
      case 10:
        if (rnd(4) == 0) other_process();
        break;
      case 11:
        reopen();
        break;
    }
    if (rnd(10) == 0) verify();
  }
  verify();
  CHECK(close(g_fd) == 0 && close(g_other) == 0);
  CHECK(unlink(g_path) == 0 && unlink(g_other_path) == 0);
  printf("%d operations: all agree\n", operations);
}

int main(int argc, char **argv) {
  if (argc > 1) {
    run(argv[1], argc > 2 ? strtoull(argv[2], NULL, 0) : 1,
        argc > 3 ? atoi(argv[3]) : 1000);
    return 0;
  }
  char cwd[4096];
  CHECK(getcwd(cwd, sizeof(cwd)) != NULL && strlen(cwd) < 200);
  run("/dev/shm", 1, 1000);
  run(cwd, 2, 500);
  return 0;
}
