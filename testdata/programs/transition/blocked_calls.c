// SPDX-License-Identifier: Apache-2.0
//
// Processes that at the snapshot are inside a system call that may last for
// ever: read of a pipe, write to a full pipe, poll, select, accept, wait,
// pause, sigsuspend, flock, FIFO open. Each goes on as if nothing had happened
// (no EINTR).

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "testdata/programs/lib/transition.h"

static int line[2], full[2], file, listener;
static char fifo[512];
static struct sockaddr_un name;

static void on_usr1(int sig) { (void)sig; }

static void in_read(void) {
  char c;
  CHECK(read(line[0], &c, 1) == 1 && c == 'r');
}
static void in_write(void) { CHECK(write(full[1], "w", 1) == 1); }
static void in_poll(void) {
  struct pollfd p = {line[0], POLLPRI, 0};
  CHECK(poll(&p, 1, 4000) == 0);
}
static void in_select(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(listener, &set);
  CHECK(select(listener + 1, NULL, NULL, &set, &(struct timeval){4, 0}) == 0);
}
static void in_accept(void) { CHECK(accept(listener, NULL, NULL) >= 0); }
static void in_wait(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    await_release();
    _exit(3);
  }
  int status;
  CHECK(waitpid(-1, &status, 0) == pid && WEXITSTATUS(status) == 3);
}
static void in_sigsuspend(void) {
  sigset_t none;
  sigemptyset(&none);
  CHECK_FAILS(sigsuspend(&none), EINTR);
}
static void in_flock(void) {
  int own = open(temp_path("file"), O_RDWR);
  CHECK(own >= 0 && flock(own, LOCK_EX) == 0);
}
static void in_fifo_open(void) {
  int fd = open(fifo, O_RDONLY);
  char c;
  CHECK(fd >= 0 && read(fd, &c, 1) == 1 && c == 'f');
}

static void (*const kCalls[])(void) = {in_read,       in_write,  in_poll,
                                       in_select,     in_accept, in_wait,
                                       in_sigsuspend, in_flock,  in_fifo_open};
enum { kCount = sizeof kCalls / sizeof *kCalls, kSigsuspend = 6 };

static void set_up(void) {
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  signal(SIGUSR1, on_usr1);
  CHECK(sigprocmask(SIG_BLOCK, &usr1, NULL) == 0);
  CHECK(pipe(line) == 0 && pipe2(full, O_NONBLOCK) == 0);
  while (write(full[1], "0123456789abcdef", 16) == 16) {
  }
  CHECK(errno == EAGAIN && fcntl(full[1], F_SETFL, 0) == 0);
  CHECK(fcntl(full[0], F_SETFL, 0) == 0);
  file = open(temp_path("file"), O_RDWR | O_CREAT, 0600);
  CHECK(file >= 0 && flock(file, LOCK_EX) == 0);
  snprintf(fifo, sizeof fifo, "%s", temp_path("fifo"));
  CHECK(mkfifo(fifo, 0600) == 0);
  name.sun_family = AF_UNIX;
  snprintf(name.sun_path, sizeof name.sun_path, "%s", temp_path("sock"));
  listener = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(bind(listener, (void *)&name, sizeof name) == 0);
  CHECK(listen(listener, 5) == 0);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  set_up();
  pid_t pids[kCount];
  for (int i = 0; i < kCount; ++i) {
    pids[i] = must_fork();
    if (pids[i] == 0) {
      kCalls[i]();
      _exit(0);
    }
  }
  sleep_ms(200);  // all are in their calls now
  ready();
  await_release();
  CHECK(write(line[1], "r", 1) == 1);
  static char drain[8192];
  CHECK(read(full[0], drain, sizeof drain) > 0);
  int client = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(connect(client, (void *)&name, sizeof name) == 0);
  CHECK(kill(pids[kSigsuspend], SIGUSR1) == 0);
  CHECK(flock(file, LOCK_UN) == 0);
  int fd = open(fifo, O_WRONLY);
  CHECK(fd >= 0 && write(fd, "f", 1) == 1);
  for (int i = 0; i < kCount; ++i) reap(pids[i]);
  return pass();
}
