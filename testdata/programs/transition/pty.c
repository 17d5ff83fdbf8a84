// SPDX-License-Identifier: Apache-2.0
//
// A pseudo-terminal with its own session on the slave side: termios, window
// size, foreground group, bytes in both directions, an unfinished line, ^C.

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "testdata/programs/lib/transition.h"

static volatile sig_atomic_t interrupted;
static void on_int(int sig) {
  (void)sig;
  interrupted = 1;
}

static void slave_side(const char *name, int done) {
  CHECK(setsid() > 0);
  int tty = open(name, O_RDWR);
  CHECK(tty >= 0 && ioctl(tty, TIOCSCTTY, 0) == 0);
  struct sigaction action = {.sa_handler = on_int};
  sigaction(SIGINT, &action, NULL);
  char line[64] = "";
  CHECK(write(tty, "prompt>", 7) == 7);
  CHECK(read(tty, line, sizeof line) == 8);
  CHECK(memcmp(line, "a line!\n", 8) == 0);
  CHECK(tcgetpgrp(tty) == getpid());
  CHECK(write(tty, "ok", 2) == 2);
  CHECK(read(tty, line, sizeof line) == -1 && errno == EINTR && interrupted);
  CHECK(write(done, "d", 1) == 1);
  _exit(0);
}

static void expect(int fd, const char *text) {
  size_t n = 0, want = strlen(text);
  char buffer[64];
  while (n < want) {
    ssize_t got = read(fd, buffer + n, want - n);
    CHECK(got > 0);
    n += got;
  }
  CHECK(memcmp(buffer, text, want) == 0);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  char name[64];
  CHECK(ptsname_r(master, name, sizeof name) == 0);
  int slave = open(name, O_RDWR | O_NOCTTY);
  struct termios t;
  CHECK(slave >= 0 && tcgetattr(slave, &t) == 0);
  t.c_lflag &= ~ECHO;
  t.c_cc[VERASE] = '#';
  CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
  struct winsize size = {.ws_row = 33, .ws_col = 111};
  CHECK(ioctl(master, TIOCSWINSZ, &size) == 0);
  int done[2];
  CHECK(pipe(done) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    close(master);
    slave_side(name, done[1]);
  }
  expect(master, "prompt>");
  CHECK(write(master, "a lint#", 7) == 7);  // unfinished, with an erase
  CHECK(write(slave, "output", 6) == 6);    // not read before the snapshot
  ready();
  await_release();
  expect(master, "output");
  struct winsize now;
  CHECK(ioctl(slave, TIOCGWINSZ, &now) == 0);
  CHECK(now.ws_row == 33 && now.ws_col == 111);
  struct termios after;
  CHECK(tcgetattr(slave, &after) == 0);
  CHECK(after.c_lflag == t.c_lflag && after.c_cc[VERASE] == '#');
  CHECK(write(master, "e!\n", 3) == 3);
  expect(master, "ok");
  sleep_ms(100);
  CHECK(write(master, "\003", 1) == 1);
  char c;
  CHECK(read(done[0], &c, 1) == 1);
  reap(pid);
  return pass();
}
