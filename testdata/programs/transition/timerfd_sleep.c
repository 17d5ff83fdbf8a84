// SPDX-License-Identifier: Apache-2.0
//
// timerfd: periodic with expirations nobody has read, one-shot, absolute; and a
// thread that sleeps in nanosleep() across the snapshot, for the right time.

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/timerfd.h>

#include "testdata/programs/lib/transition.h"

static atomic_llong slept_ms;

static void *sleeper(void *arg) {
  (void)arg;
  long long start = monotonic_ms();
  struct timespec t = {2, 500000000};
  CHECK(nanosleep(&t, NULL) == 0);  // not interrupted by the snapshot
  slept_ms = monotonic_ms() - start;
  return NULL;
}

static int timer(int flags, struct itimerspec spec) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  CHECK(fd >= 0 && timerfd_settime(fd, flags, &spec, NULL) == 0);
  return fd;
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, sleeper, NULL) == 0);
  struct timespec now;
  CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  int periodic = timer(0, (struct itimerspec){{0, 10000000}, {0, 10000000}});
  int one_shot = timer(0, (struct itimerspec){{0, 0}, {2, 0}});
  int absolute = timer(TFD_TIMER_ABSTIME,
                       (struct itimerspec){{0, 0}, {now.tv_sec + 3, 0}});
  int never = timer(0, (struct itimerspec){{0, 0}, {0, 0}});
  sleep_ms(60);
  ready();
  await_release();
  uint64_t count = 0;
  CHECK(read(periodic, &count, 8) == 8 && count >= 5);
  while (read(one_shot, &count, 8) != 8) {
    CHECK(errno == EAGAIN);
    sleep_ms(5);
  }
  CHECK(count == 1);
  while (read(absolute, &count, 8) != 8) sleep_ms(5);
  CHECK(count == 1);
  struct timespec then;
  CHECK(clock_gettime(CLOCK_MONOTONIC, &then) == 0);
  CHECK(then.tv_sec >= now.tv_sec + 3);
  CHECK_FAILS(read(never, &count, 8), EAGAIN);
  CHECK(read(periodic, &count, 8) == 8 && count >= 1);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(slept_ms >= 2500);
  return pass();
}
