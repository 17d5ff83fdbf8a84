// SPDX-License-Identifier: Apache-2.0
//
// A pipe that is nearly full of data in flight between parent and child, its
// ends, its contents, its boundary between written and read, and its size.

#include <fcntl.h>
#include <sys/ioctl.h>

#include "testdata/programs/lib/transition.h"

enum { kBytes = 40000, kRead = 1234 };

static unsigned char pattern(int i) { return (unsigned char)(i * 7 + i / 251); }

static void child(int from_parent, int to_parent) {
  unsigned char c;
  // Bytes that the parent wrote before the snapshot are read after it.
  for (int i = kRead; i < kBytes; ++i) {
    CHECK(read(from_parent, &c, 1) == 1);
    CHECK(c == pattern(i));
  }
  CHECK(read(from_parent, &c, 1) == 0);
  CHECK(write(to_parent, "done", 4) == 4);
  _exit(0);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  static unsigned char data[kBytes];
  int down[2], up[2], gate[2];
  CHECK(pipe(down) == 0 && pipe(up) == 0 && pipe(gate) == 0);
  CHECK(fcntl(down[1], F_SETPIPE_SZ, 131072) == 131072);
  pid_t pid = must_fork();
  if (pid == 0) {
    close(down[1]);
    close(gate[1]);
    char c;
    for (int i = 0; i < kRead; ++i) {
      CHECK(read(down[0], &c, 1) == 1);
      CHECK((unsigned char)c == pattern(i));
    }
    CHECK(write(up[1], "r", 1) == 1);
    CHECK(read(gate[0], &c, 1) == 0);  // until the parent closes it
    child(down[0], up[1]);
  }
  close(down[0]);
  close(gate[0]);
  close(up[1]);
  for (int i = 0; i < kBytes; ++i) data[i] = pattern(i);
  CHECK(write(down[1], data, kBytes) == kBytes);
  char reply[5] = "";
  CHECK(read(up[0], reply, 1) == 1);
  ready();
  await_release();
  int waiting = 0;
  CHECK(ioctl(down[1], FIONREAD, &waiting) == 0);
  CHECK(waiting == kBytes - kRead);
  CHECK(fcntl(down[1], F_GETPIPE_SZ) == 131072);
  close(gate[1]);
  close(down[1]);
  CHECK(read(up[0], reply, 4) == 4 && memcmp(reply, "done", 4) == 0);
  reap(pid);
  return pass();
}
