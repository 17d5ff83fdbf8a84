// SPDX-License-Identifier: Apache-2.0
//
// timer_create() timers: periodic with a signal and its value, one-shot that is
// due after the snapshot, one that is disarmed, one that is far off.

#include <signal.h>

#include "testdata/programs/lib/transition.h"

enum { kPeriodic, kOneShot, kDisarmed, kFarOff, kTimers };

static volatile sig_atomic_t fired[kTimers];

static void on_timer(int sig, siginfo_t *info, void *context) {
  (void)sig;
  (void)context;
  if (info->si_code == SI_TIMER && info->si_value.sival_int < kTimers) {
    fired[info->si_value.sival_int]++;
  }
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
  action.sa_sigaction = on_timer;
  CHECK(sigaction(SIGRTMIN, &action, NULL) == 0);
  static const struct itimerspec kTimes[kTimers] = {
      [kPeriodic] = {{0, 30000000}, {0, 30000000}},
      [kOneShot] = {{0, 0}, {3, 0}},
      [kFarOff] = {{7, 0}, {9000, 0}},
  };
  timer_t timers[kTimers];
  long long start = monotonic_ms();
  for (int i = 0; i < kTimers; ++i) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL};
    event.sigev_signo = SIGRTMIN;
    event.sigev_value.sival_int = i;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timers[i]) == 0);
    CHECK(timer_settime(timers[i], 0, &kTimes[i], NULL) == 0);
  }
  while (fired[kPeriodic] < 3) sleep_ms(5);
  ready();
  await_release();
  int before = fired[kPeriodic];
  while (!fired[kOneShot] || fired[kPeriodic] < before + 5) {
    CHECK(monotonic_ms() - start < 600000);
    sleep_ms(5);
  }
  CHECK(monotonic_ms() - start >= 2990);
  CHECK(fired[kOneShot] == 1 && fired[kDisarmed] == 0 && fired[kFarOff] == 0);
  struct itimerspec left;
  CHECK(timer_gettime(timers[kFarOff], &left) == 0);
  CHECK(left.it_value.tv_sec <= 9000 && left.it_value.tv_sec > 8000);
  CHECK(left.it_interval.tv_sec == 7);
  CHECK(timer_gettime(timers[kDisarmed], &left) == 0);
  CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
  for (int i = 0; i < kTimers; ++i) CHECK(timer_delete(timers[i]) == 0);
  return pass();
}
