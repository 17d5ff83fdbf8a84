// SPDX-License-Identifier: Apache-2.0
//
// Random operations on a small name space, with every result printed: whatever
// Linux answers, down to the errno, is what the guest must answer.
// names_random [DIRECTORY [SEED [OPERATIONS [u]]]]; with `u`, half of them as
// an ordinary user. The default: memory files and the working directory.

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "testdata/programs/lib/check.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

static uint64_t g_state;
static unsigned rnd(unsigned n) {
  g_state ^= g_state << 13;
  g_state ^= g_state >> 7;
  g_state ^= g_state << 17;
  return (unsigned)((g_state >> 11) % n);
}

static const char *const kNames[] = {"a", "b", "c", "d", "e"};
static const char *const kSuffixes[] = {"", "",  "",   "",    "",
                                        "", "/", "/.", "/..", "//"};

// A path of one to three components; sometimes odd.
static char *path(void) {
  static char buffers[4][256];
  static int next;
  char *p = buffers[next++ % 4];
  p[0] = 0;
  switch (rnd(40)) {
    case 0:
      return p;
    case 1:
      strcpy(p, ".");
      return p;
    case 2:
      strcpy(p, "..");
      break;
    case 3:
      memset(p, 'n', 200);
      p[200] = 0;
      return p;
  }
  int n = rnd(3) + 1;
  for (int i = 0; i < n; ++i) {
    if (i || p[0]) strcat(p, "/");
    strcat(p, rnd(15) == 0 ? ".." : kNames[rnd(5)]);
  }
  strcat(p, kSuffixes[rnd(10)]);
  return p;
}

static int g_fds[4] = {-1, -1, -1, -1};
static const char *g_error(long r) {
  static char text[32];
  if (r >= 0) {
    snprintf(text, sizeof(text), "%ld", r);
  } else {
    snprintf(text, sizeof(text), "%s", strerrorname_np(errno));
  }
  return text;
}

static int open_flags(void) {
  static const int kModes[] = {O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR};
  int flags = kModes[rnd(4)] | O_NONBLOCK;
  if (rnd(2)) flags |= O_CREAT;
  if (rnd(6) == 0) flags |= O_EXCL;
  if (rnd(5) == 0) flags |= O_TRUNC;
  if (rnd(6) == 0) flags |= O_APPEND;
  if (rnd(8) == 0) flags |= O_DIRECTORY;
  if (rnd(6) == 0) flags |= O_NOFOLLOW;
  if (rnd(12) == 0) flags |= O_PATH;
  // Kernels differ.
  if (flags & O_DIRECTORY) flags &= ~O_CREAT;
  if (!(flags & O_CREAT)) flags &= ~O_EXCL;
  return flags;
}

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *p) {
  DIR *dir = opendir(p);
  if (!dir) {
    printf("list %s: %s\n", p, g_error(-1));
    return;
  }
  char *names[64];
  int n = 0;
  for (struct dirent *e; (e = readdir(dir)) && n < 64;) {
    names[n] = malloc(300);
    sprintf(names[n++], "%s:%d", e->d_name,
            strcmp(e->d_name, "..") ? e->d_type : 0);
  }
  qsort(names, n, sizeof(names[0]), compare);
  printf("list %s:", p);
  for (int i = 0; i < n; ++i) printf(" %s", names[i]), free(names[i]);
  printf("\n");
  closedir(dir);
}

static void print_stat(const char *what, const char *p, int r,
                       const struct stat *st) {
  if (r < 0) {
    printf("%s %s: %s\n", what, p, g_error(r));
    return;
  }
  int directory = S_ISDIR(st->st_mode);
  printf("%s %s: mode %o size %ld uid %u", what, p, st->st_mode,
         directory ? 0 : (long)st->st_size, st->st_uid);
  // The link count of directories is the file system's own business.
  if (!directory) printf(" links %lu", (unsigned long)st->st_nlink);
  printf("\n");
}

static void name_operation(void) {
  char *p = path(), *q = path();
  struct stat st;
  char buffer[64];
  long r;
  switch (rnd(14)) {
    case 0:
      printf("mkdir %s: %s\n", p, g_error(mkdir(p, rnd(01000))));
      break;
    case 1:
      printf("rmdir %s: %s\n", p, g_error(rmdir(p)));
      break;
    case 2:
      printf("unlink %s: %s\n", p, g_error(unlink(p)));
      break;
    case 3:
    case 4:
      r = rename(p, q);
      printf("rename %s %s: %s\n", p, q, g_error(r));
      break;
    case 5: {
      int flags = rnd(2) ? RENAME_NOREPLACE : RENAME_EXCHANGE;
      r = syscall(SYS_renameat2, AT_FDCWD, p, AT_FDCWD, q, flags);
      printf("renameat2 %s %s %d: %s\n", p, q, flags, g_error(r));
      break;
    }
    case 6: {
      int flags = rnd(3) ? 0 : AT_SYMLINK_FOLLOW;
      r = linkat(AT_FDCWD, p, AT_FDCWD, q, flags);
      printf("link %s %s %d: %s\n", p, q, flags, g_error(r));
      break;
    }
    case 7:
    case 8:
      printf("symlink %s %s: %s\n", p, q, g_error(symlink(p, q)));
      break;
    case 9:
      memset(buffer, 0, sizeof(buffer));
      r = readlink(p, buffer, rnd(2) ? 60 : 3);
      printf("readlink %s: %s", p, g_error(r));
      printf(" %s\n", buffer);
      break;
    case 10:
      r = mknod(p, (rnd(2) ? S_IFIFO : S_IFREG) | 0640, 0);
      printf("mknod %s: %s\n", p, g_error(r));
      break;
    case 11:
      r = stat(p, &st);
      print_stat("stat", p, r, &st);
      break;
    case 12:
      r = lstat(p, &st);
      print_stat("lstat", p, r, &st);
      break;
    case 13:
      list(p);
      break;
  }
}

static void attribute_operation(void) {
  char *p = path();
  long r;
  unsigned v;
  switch (rnd(6)) {
    case 0:
      v = rnd(010000);
      printf("chmod %s %o: %s\n", p, v, g_error(chmod(p, v)));
      break;
    case 1:
      v = rnd(3) ? 1000 : 0;
      r = rnd(2) ? chown(p, v, -1) : lchown(p, -1, v);
      printf("chown %s %u: %s\n", p, v, g_error(r));
      break;
    case 2:
      v = rnd(20000);
      printf("truncate %s %u: %s\n", p, v, g_error(truncate(p, v)));
      break;
    case 3:
      v = rnd(8);
      printf("access %s %u: %s\n", p, v, g_error(access(p, v)));
      break;
    case 4: {
      struct timeval times[2] = {{rnd(1000), 1}, {rnd(1000), 2}};
      struct stat st;
      r = utimes(p, times);
      printf("utimes %s: %s", p, g_error(r));
      if (r == 0 && stat(p, &st) == 0) {
        printf(" %ld.%ld", (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
      }
      printf("\n");
      break;
    }
    case 5:
      if (rnd(2)) {
        printf("chdir %s: %s\n", p, g_error(chdir(p)));
      } else {
        printf("umask: %o\n", umask(rnd(4) ? 022 : rnd(01000)));
      }
      break;
  }
}

static void file_operation(void) {
  int i = rnd(4), fd = g_fds[i];
  char buffer[5000];
  size_t n = rnd(2) ? rnd(5000) : rnd(20);
  long offset = (long)rnd(12000) - 100, r;
  struct stat st;
  if (fd < 0 || rnd(6) == 0) {
    char *p = path();
    int flags = open_flags(), mode = rnd(01000);
    if (fd >= 0) close(fd);
    r = open(p, flags, mode);
    g_fds[i] = r;
    printf("open %s %o %o: %s\n", p, flags, mode, r < 0 ? g_error(r) : "ok");
    if (r >= 0) printf("flags %o\n", fcntl(r, F_GETFL));
    return;
  }
  switch (rnd(9)) {
    case 0:
      memset(buffer, 'a' + rnd(26), n);
      printf("write %d %zu: %s\n", i, n, g_error(write(fd, buffer, n)));
      break;
    case 1:
    case 2: {
      r = rnd(2) ? read(fd, buffer, n) : pread(fd, buffer, n, offset);
      unsigned sum = 0;
      for (long k = 0; k < r; ++k) sum = sum * 31 + (unsigned char)buffer[k];
      printf("read %d %zu %ld: %s sum %u\n", i, n, offset, g_error(r), sum);
      break;
    }
    case 3:
      memset(buffer, 'A' + rnd(26), n);
      r = pwrite(fd, buffer, n, offset);
      printf("pwrite %d %zu %ld: %s\n", i, n, offset, g_error(r));
      break;
    case 4: {
      int whence = rnd(3);
      r = lseek(fd, offset, whence);
      // Directories have offsets of their own.
      if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) break;
      printf("lseek %d %ld %d: %s\n", i, offset, whence, g_error(r));
      break;
    }
    case 5:
      printf("ftruncate %d %ld: %s\n", i, offset,
             g_error(ftruncate(fd, offset)));
      break;
    case 6:
      r = fstat(fd, &st);
      print_stat("fstat", "", r, &st);
      break;
    case 7:
      printf("fchmod %d: %s\n", i, g_error(fchmod(fd, rnd(01000))));
      break;
    case 8: {
      int mode = rnd(3) ? 0 : rnd(2) ? 1 : 3;
      r = fallocate(fd, mode, offset, n);
      printf("fallocate %d %d %ld %zu: %s\n", i, mode, offset, n, g_error(r));
      break;
    }
  }
}

// In a root directory of its own: random names must not reach others' files.
// The root of the tree is at "/", the start at "/top".
static void run_inside(uint64_t seed, int operations, int as_user) {
  CHECK(chroot(".") == 0);
  CHECK(mkdir("top", 0777) == 0 && chmod("top", 0777) == 0);
  g_state = seed * 0x9e3779b97f4a7c15u + 1;
  CHECK(chdir("/top") == 0);
  for (int i = 0; i < operations; ++i) {
    if (as_user && rnd(8) == 0) {
      CHECK(seteuid(0) == 0);
      CHECK(seteuid(rnd(2) ? 1000 : 0) == 0);
    }
    switch (rnd(4)) {
      case 0:
        attribute_operation();
        break;
      case 1:
        name_operation();
        break;
      default:
        if (rnd(2)) {
          name_operation();
        } else {
          file_operation();
        }
    }
    if (rnd(50) == 0) {
      if (as_user) CHECK(seteuid(0) == 0);
      if (chdir("/top") != 0) CHECK(chdir("/") == 0);
    }
  }
}

static void run(const char *top, uint64_t seed, int operations, int as_user) {
  if (geteuid() != 0) {
    printf("skipped: needs chroot\n");
    return;
  }
  char directory[300], command[700];
  snprintf(directory, sizeof(directory), "%s/names_random.XXXXXX", top);
  CHECK(mkdtemp(directory) != NULL);
  CHECK(chmod(directory, 0777) == 0);
  fflush(stdout);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    CHECK(chdir(directory) == 0);
    run_inside(seed, operations, as_user);
    fflush(stdout);
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", directory,
           directory);
  CHECK(system(command) == 0);
}

int main(int argc, char **argv) {
  if (argc > 1) {
    run(argv[1], argc > 2 ? strtoull(argv[2], NULL, 0) : 1,
        argc > 3 ? atoi(argv[3]) : 1000, argc > 4);
    return 0;
  }
  char cwd[4096];
  CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
  run("/dev/shm", 1, 2000, 0);
  run(cwd, 2, 1000, 0);
  return 0;
}
