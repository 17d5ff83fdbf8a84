// SPDX-License-Identifier: Apache-2.0
//
// The name space: mkdir, rmdir, link, symlink, rename in its variants, unlink,
// readlink, the *at calls, reading directories, chdir and getcwd, loops.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "testdata/programs/lib/check.h"

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path) {
  char *names[1000];
  int n = 0;
  DIR *dir = opendir(path);
  CHECK(dir != NULL);
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    CHECK(n < 1000);
    names[n++] = strdup(e->d_name);
  }
  closedir(dir);
  qsort(names, n, sizeof *names, compare);
  printf("%d entries:", n);
  for (int i = 0; i < n && i < 12; ++i) printf(" %s", names[i]);
  printf("\n");
}

static void touch(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT, 0600);
  CHECK(fd >= 0 && close(fd) == 0);
}

static int exists(const char *path) { return access(path, F_OK) == 0; }

static void links_of(const char *path) {
  struct stat st;
  CHECK(lstat(path, &st) == 0);
  printf("%s: type %o links %d\n", path, st.st_mode & S_IFMT,
         S_ISDIR(st.st_mode) ? 0 : (int)st.st_nlink);
}

static void names(void) {
  CHECK(mkdir("d", 0750) == 0);
  CHECK_FAILS(mkdir("d", 0750), EEXIST);
  CHECK_FAILS(mkdir("x/y", 0750), ENOENT);
  touch("d/f");
  CHECK_FAILS(rmdir("d"), ENOTEMPTY);
  CHECK_FAILS(rmdir("d/f"), ENOTDIR);
  CHECK_FAILS(unlink("d"), EISDIR);
  CHECK(link("d/f", "hard") == 0);
  CHECK_FAILS(link("d/f", "hard"), EEXIST);
  CHECK(symlink("d/f", "soft") == 0 && symlink("nowhere", "dangling") == 0);
  char buffer[16] = "";
  CHECK(readlink("soft", buffer, sizeof buffer) == 3);
  CHECK(strcmp(buffer, "d/f") == 0);
  CHECK(readlink("soft", buffer, 2) == 2);
  CHECK_FAILS(readlink("hard", buffer, sizeof buffer), EINVAL);
  CHECK(!exists("dangling"));
  CHECK(symlink("b", "a") == 0 && symlink("a", "b") == 0);
  CHECK_FAILS(open("a", O_RDONLY), ELOOP);
  links_of("hard");
  links_of("soft");
  links_of("d");
  list(".");
  CHECK(unlink("hard") == 0 && unlink("soft") == 0 && unlink("a") == 0);
  CHECK_FAILS(unlink("hard"), ENOENT);
  CHECK(unlink("b") == 0 && unlink("dangling") == 0);
}

static void renames(void) {
  touch("one");
  touch("two");
  CHECK(rename("one", "two") == 0 && !exists("one") && exists("two"));
  CHECK(rename("two", "d/three") == 0 && exists("d/three"));
  CHECK_FAILS(rename("d", "d/inside"), EINVAL);
  CHECK(mkdir("e", 0700) == 0 && mkdir("e/full", 0700) == 0);
  CHECK_FAILS(rename("d", "e"), ENOTEMPTY);
  CHECK_FAILS(rename("d/three", "e"), EISDIR);
  CHECK_FAILS(rename("e", "d/three"), ENOTDIR);
  CHECK_FAILS(rename("missing", "x"), ENOENT);
  CHECK(rename("d", "e/full") == 0 && exists("e/full/three"));
  touch("x");
  CHECK_FAILS(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "e", 1), EEXIST);
  CHECK(rename("x", "x") == 0 && exists("x"));
  CHECK(rename("e/full", "d") == 0 && rmdir("e") == 0);
}

static void at_calls(void) {
  int d = open("d", O_RDONLY | O_DIRECTORY);
  CHECK(d >= 0);
  int fd = openat(d, "new", O_WRONLY | O_CREAT, 0600);
  CHECK(fd >= 0 && exists("d/new"));
  CHECK(mkdirat(d, "sub", 0700) == 0 && symlinkat("new", d, "s") == 0);
  CHECK(linkat(d, "new", AT_FDCWD, "linked", 0) == 0);
  CHECK(renameat(d, "s", d, "t") == 0);
  char buffer[16];
  CHECK(readlinkat(d, "t", buffer, sizeof buffer) == 3);
  struct stat st;
  CHECK(fstatat(d, "t", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode));
  CHECK(fstatat(d, "", &st, AT_EMPTY_PATH) == 0 && S_ISDIR(st.st_mode));
  CHECK(faccessat(d, "new", W_OK, 0) == 0);
  CHECK_FAILS(openat(fd, "new", O_RDONLY), ENOTDIR);
  CHECK_FAILS(openat(999, "new", O_RDONLY), EBADF);
  CHECK(openat(999, "/", O_RDONLY) >= 0);
  list("d");
  CHECK(unlinkat(d, "sub", AT_REMOVEDIR) == 0 && unlinkat(d, "t", 0) == 0);
  CHECK_FAILS(unlinkat(d, "f", AT_REMOVEDIR), ENOTDIR);
  CHECK(fchdir(d) == 0 && exists("three") && chdir("..") == 0);
}

static void working_directory(void) {
  char before[512], now[512], expected[600];
  CHECK(getcwd(before, sizeof before) != NULL);
  CHECK(mkdir("w", 0700) == 0 && mkdir("w/v", 0700) == 0 && chdir("w/v") == 0);
  CHECK(getcwd(now, sizeof now) != NULL);
  snprintf(expected, sizeof expected, "%s/w/v", before);
  CHECK(strcmp(now, expected) == 0);
  CHECK(rename("../../w", "../../moved") == 0 &&
        getcwd(now, sizeof now) != NULL);
  snprintf(expected, sizeof expected, "%s/moved/v", before);
  CHECK(strcmp(now, expected) == 0);
  CHECK(getcwd(now, 3) == NULL && errno == ERANGE);
  CHECK(chdir("../..") == 0 && chdir("./moved/../moved/./v//") == 0);
  CHECK(chdir(before) == 0);
  CHECK_FAILS(chdir("x"), ENOTDIR);
  CHECK_FAILS(chdir("missing"), ENOENT);
  // A removed working directory.
  CHECK(mkdir("gone", 0700) == 0 && chdir("gone") == 0);
  CHECK(rmdir("../gone") == 0);
  CHECK(getcwd(now, sizeof now) == NULL && errno == ENOENT);
  CHECK_FAILS(open("new", O_CREAT | O_WRONLY, 0600), ENOENT);
  CHECK(chdir(before) == 0);
}

static void many(void) {
  char name[32];
  CHECK(mkdir("many", 0700) == 0 && chdir("many") == 0);
  for (int i = 0; i < 500; ++i) {
    snprintf(name, sizeof name, "file-with-a-longer-name-%03d", i);
    touch(name);
  }
  list(".");
  DIR *dir = opendir(".");
  long at = 0;
  for (int i = 0; i < 250; ++i) CHECK(readdir(dir) != NULL);
  at = telldir(dir);
  struct dirent *e = readdir(dir);
  CHECK(e != NULL);
  snprintf(name, sizeof name, "%.31s", e->d_name);
  seekdir(dir, at);
  CHECK(strcmp(readdir(dir)->d_name, name) == 0);
  rewinddir(dir);
  int n = 0;
  while (readdir(dir) != NULL) ++n;
  closedir(dir);
  printf("again %d\n", n);
  for (int i = 0; i < 500; ++i) {
    snprintf(name, sizeof name, "file-with-a-longer-name-%03d", i);
    CHECK(unlink(name) == 0);
  }
  list(".");
  CHECK(chdir("..") == 0 && rmdir("many") == 0);
}

int main(void) {
  CHECK(chdir(temp_dir()) == 0);
  names();
  renames();
  at_calls();
  working_directory();
  many();
  CHECK(chdir("/") == 0);
  return 0;
}
