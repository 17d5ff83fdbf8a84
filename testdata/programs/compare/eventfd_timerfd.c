// SPDX-License-Identifier: Apache-2.0
//
// eventfd and timerfd: counting, semaphores, blocking, limits, expirations,
// absolute times, polling, re-arming, gettime.

#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "testdata/programs/lib/check.h"

static void events(void) {
  uint64_t v = 5;
  int e = eventfd(2, EFD_NONBLOCK);
  CHECK(write(e, &v, 8) == 8 && read(e, &v, 8) == 8 && v == 7);
  CHECK_FAILS(read(e, &v, 8), EAGAIN);
  v = UINT64_MAX - 1;
  CHECK(write(e, &v, 8) == 8);
  struct pollfd f = {e, POLLIN | POLLOUT, 0};
  CHECK(poll(&f, 1, 0) == 1 && f.revents == POLLIN);
  v = 1;
  CHECK_FAILS(write(e, &v, 8), EAGAIN);
  v = UINT64_MAX;
  CHECK_FAILS(write(e, &v, 8), EINVAL);
  CHECK_FAILS(write(e, &v, 4), EINVAL);
  CHECK_FAILS(read(e, &v, 4), EINVAL);
  int s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
  CHECK(read(s, &v, 8) == 8 && v == 1 && read(s, &v, 8) == 8 && v == 1);
  CHECK_FAILS(read(s, &v, 8), EAGAIN);
  int b = eventfd(0, 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    sleep_ms(50);
    v = 9;
    CHECK(write(b, &v, 8) == 8);
    _exit(0);
  }
  CHECK(read(b, &v, 8) == 8 && v == 9);
  reap(pid);
}

static struct itimerspec spec(long interval_ms, long value_ms) {
  return (struct itimerspec){{interval_ms / 1000, interval_ms % 1000 * 1000000},
                             {value_ms / 1000, value_ms % 1000 * 1000000}};
}

static void timers(void) {
  uint64_t n = 0;
  struct itimerspec t = spec(20, 40), now, old;
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  long long start = monotonic_ms();
  CHECK(fd >= 0 && timerfd_settime(fd, 0, &t, NULL) == 0);
  CHECK(timerfd_gettime(fd, &now) == 0 && now.it_interval.tv_nsec == 20000000);
  CHECK(now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 40000000);
  CHECK(read(fd, &n, 8) == 8 && n >= 1 && monotonic_ms() - start >= 39);
  sleep_ms(110);
  CHECK(read(fd, &n, 8) == 8 && n >= 4);
  struct pollfd f = {fd, POLLIN, 0};
  CHECK(poll(&f, 1, 2000) == 1 && f.revents == POLLIN);
  t = spec(0, 0);
  CHECK(timerfd_settime(fd, 0, &t, &old) == 0);
  CHECK(old.it_interval.tv_nsec == 20000000);
  CHECK(poll(&f, 1, 50) == 0);
  struct timespec at;
  CHECK(clock_gettime(CLOCK_REALTIME, &at) == 0);
  int real = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  t = (struct itimerspec){{0, 0}, at};
  t.it_value.tv_sec += 1;
  CHECK(timerfd_settime(real, TFD_TIMER_ABSTIME, &t, NULL) == 0);
  CHECK_FAILS(read(real, &n, 8), EAGAIN);
  f.fd = real;
  CHECK(poll(&f, 1, 5000) == 1 && read(real, &n, 8) == 8 && n == 1);
  t.it_value.tv_sec -= 100;  // in the past: at once
  CHECK(timerfd_settime(real, TFD_TIMER_ABSTIME, &t, NULL) == 0);
  CHECK(read(real, &n, 8) == 8 && n == 1);
  CHECK_FAILS(timerfd_create(12345, 0), EINVAL);
  t.it_value.tv_nsec = -1;
  CHECK_FAILS(timerfd_settime(real, 0, &t, NULL), EINVAL);
}

int main(void) {
  events();
  timers();
  printf("ok\n");
  return 0;
}
