// SPDX-License-Identifier: Apache-2.0
//
// A periodic setitimer(ITIMER_REAL) goes on ticking, ITIMER_VIRTUAL counts only
// the process's own time, and alarm()'s remaining time does not start again.

#include <signal.h>
#include <sys/time.h>

#include "testdata/programs/lib/transition.h"

static volatile sig_atomic_t real_ticks, virtual_ticks;

static void on_signal(int sig) {
  if (sig == SIGALRM) real_ticks++;
  if (sig == SIGVTALRM) virtual_ticks++;
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  signal(SIGALRM, on_signal);
  signal(SIGVTALRM, on_signal);
  struct itimerval period = {{0, 20000}, {0, 20000}};
  struct itimerval far_off = {{0, 0}, {5000, 0}};
  CHECK(setitimer(ITIMER_REAL, &period, NULL) == 0);
  CHECK(setitimer(ITIMER_VIRTUAL, &far_off, NULL) == 0);
  while (real_ticks < 3) sleep_ms(5);
  ready();
  await_release();
  struct itimerval now;
  CHECK(getitimer(ITIMER_REAL, &now) == 0);
  CHECK(now.it_interval.tv_usec == 20000 && now.it_value.tv_sec == 0);
  int before = real_ticks;
  long long start = monotonic_ms();
  while (real_ticks < before + 10) {
    sleep_ms(5);
    CHECK(monotonic_ms() - start < 20000);
  }
  CHECK(monotonic_ms() - start >= 150);
  CHECK(getitimer(ITIMER_VIRTUAL, &now) == 0);
  CHECK(now.it_value.tv_sec <= 5000 && now.it_value.tv_sec > 4900);
  CHECK(virtual_ticks == 0);
  struct itimerval off = {{0, 0}, {0, 0}};
  CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
  // An alarm set long before is not prolonged by what happened since.
  alarm(1000);
  unsigned left = alarm(0);
  CHECK(left == 1000 || left == 999);
  return pass();
}
