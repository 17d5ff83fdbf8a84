// SPDX-License-Identifier: Apache-2.0
//
// Pseudo-terminals: canonical and raw input, echo, erase and kill, signals from
// control characters, end of file, window size and SIGWINCH, hang-up, VMIN and
// VTIME, output processing, controlling terminal and job control.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "testdata/programs/lib/check.h"

static int master, slave;
static char slave_name[64];

static void open_pair(void) {
  master = posix_openpt(O_RDWR | O_NOCTTY);
  CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  CHECK(ptsname_r(master, slave_name, sizeof slave_name) == 0);
  slave = open(slave_name, O_RDWR | O_NOCTTY);
  CHECK(slave >= 0 && isatty(slave) && isatty(master));
}

// One read of the slave, which is a line; of the master all that comes: Linux
// may bring it in pieces.
static void show(const char *what, int fd) {
  char b[256];
  struct pollfd f = {fd, POLLIN, 0};
  printf("%s:", what);
  int timeout = 200;
  ssize_t n = 0;
  do {
    if (poll(&f, 1, timeout) != 1) {
      if (timeout == 200) printf(" nothing");
      break;
    }
    n = read(fd, b, sizeof b);
    if (n < 0) printf(" error %d", errno);
    for (ssize_t i = 0; i < n; ++i) {
      if (b[i] >= ' ' && b[i] < 127) {
        putchar(b[i]);
      } else {
        printf("\\x%02x", (unsigned char)b[i]);
      }
    }
    if (n == 0) printf(" end of file");
    timeout = 50;
  } while (fd == master && n > 0);
  printf("\n");
}

static void type(const char *keys) {
  CHECK(write(master, keys, strlen(keys)) == (ssize_t)strlen(keys));
}

static void flags(tcflag_t off, tcflag_t on) {
  struct termios t;
  CHECK(tcgetattr(slave, &t) == 0);
  t.c_lflag = (t.c_lflag & ~off) | on;
  CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
}

static void canonical(void) {
  type("hello\n");
  show("line", slave);
  show("echo", master);
  type("abx\177c\n");
  show("erased", slave);
  show("echo", master);
  type("wrong\025right\n");
  show("killed", slave);
  show("echo", master);
  type("one two\027three\n");
  show("word erased", slave);
  show("echo", master);
  type("part");
  show("unfinished", slave);
  type("\004");
  show("pushed by ^D", slave);
  type("\004");
  show("^D", slave);
  type("a\026\003b\n");
  show("literal next", slave);
  show("echo", master);
  type("one\ntwo\n");
  show("first of two", slave);
  show("second", slave);
  show("echo", master);
  flags(ECHO, 0);
  type("secret\n");
  show("without echo", slave);
  show("echo", master);
  CHECK(write(slave, "out\n", 4) == 4);
  show("output", master);
  flags(0, ECHO);
}

static void raw(void) {
  struct termios saved, t;
  CHECK(tcgetattr(slave, &saved) == 0);
  t = saved;
  cfmakeraw(&t);
  CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
  type("\003x\r\n");
  show("raw", slave);
  CHECK(write(slave, "out\n", 4) == 4);
  show("raw output", master);
  t.c_cc[VMIN] = 0;
  t.c_cc[VTIME] = 1;
  CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
  char b[8];
  long long start = monotonic_ms();
  CHECK(read(slave, b, 8) == 0 && monotonic_ms() - start >= 90);
  t.c_cc[VMIN] = 3;
  t.c_cc[VTIME] = 0;
  CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    for (int i = 0; i < 3; ++i) {
      sleep_ms(30);
      type("k");
    }
    _exit(0);
  }
  CHECK(read(slave, b, 8) == 3);
  reap(pid);
  CHECK(tcsetattr(slave, TCSANOW, &saved) == 0);
  int n;
  type("12345\n");
  CHECK(poll(&(struct pollfd){slave, POLLIN, 0}, 1, 1000) == 1);
  CHECK(ioctl(slave, FIONREAD, &n) == 0 && n == 6);
  CHECK(tcflush(slave, TCIFLUSH) == 0);
  CHECK(ioctl(slave, FIONREAD, &n) == 0 && n == 0);
  show("echo", master);
}

static volatile sig_atomic_t got_signal;
static void on_signal(int sig) { got_signal = sig; }

static void expect_signal(int sig) {
  for (int i = 0; i < 1000 && got_signal != sig; ++i) sleep_ms(2);
  CHECK(got_signal == sig);
  got_signal = 0;
}

// The slave's session: a leader with the terminal, and a background group.
static void session(int go, int done) {
  char c;
  CHECK(setsid() == getpid() && ioctl(slave, TIOCSCTTY, 0) == 0);
  int tty = open("/dev/tty", O_RDWR);
  CHECK(tty >= 0 && tcgetpgrp(tty) == getpid() && tcgetsid(tty) == getpid());
  static const int kSignals[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH};
  for (int i = 0; i < 4; ++i) signal(kSignals[i], on_signal);
  for (int i = 0; i < 4; ++i) {
    CHECK(write(done, "r", 1) == 1);
    expect_signal(kSignals[i]);
  }
  struct winsize size;
  CHECK(ioctl(tty, TIOCGWINSZ, &size) == 0 && size.ws_row == 50);
  pid_t background = must_fork();
  if (background == 0) {
    setpgid(0, 0);
    for (int i = 0; i < 1000 && getpgrp() != getpid(); ++i) sleep_ms(2);
    CHECK(read(tty, &c, 1) == 1);  // SIGTTIN stops it
    _exit(c == 'b' ? 0 : 1);
  }
  setpgid(background, background);
  int status;
  CHECK(waitpid(background, &status, WUNTRACED) == background);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
  signal(SIGTTOU, SIG_IGN);
  CHECK(tcsetpgrp(tty, background) == 0 && kill(background, SIGCONT) == 0);
  CHECK(write(done, "b", 1) == 1);
  reap(background);
  CHECK(tcsetpgrp(tty, getpid()) == 0);
  signal(SIGHUP, on_signal);
  CHECK(write(done, "h", 1) == 1 && read(go, &c, 1) == 0);
  expect_signal(SIGHUP);
  CHECK(read(slave, &c, 1) == 0);
  CHECK_FAILS(write(slave, "x", 1), EIO);
  _exit(0);
}

static void job_control(void) {
  int go[2], done[2];
  char c;
  CHECK(pipe(go) == 0 && pipe(done) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    close(master);
    close(go[1]);
    session(go[0], done[1]);
  }
  close(slave);
  static const char *const kKeys[] = {"\003", "\034", "\032"};
  for (int i = 0; i < 3; ++i) {
    CHECK(read(done[0], &c, 1) == 1);
    type(kKeys[i]);
  }
  struct winsize size = {.ws_row = 50, .ws_col = 132};
  CHECK(read(done[0], &c, 1) == 1 && ioctl(master, TIOCSWINSZ, &size) == 0);
  CHECK(read(done[0], &c, 1) == 1 && c == 'b');
  type("b\n");
  CHECK(read(done[0], &c, 1) == 1 && c == 'h');
  close(master);
  close(go[1]);
  reap(pid);
}

int main(void) {
  open_pair();
  canonical();
  raw();
  job_control();
  printf("ok\n");
  return 0;
}
