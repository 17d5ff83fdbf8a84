// SPDX-License-Identifier: Apache-2.0
//
// alarm, setitimer, timer_create, nanosleep and clock_nanosleep: when they
// fire, what is left, interruption, overruns, inheritance.

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "testdata/programs/lib/check.h"

static volatile sig_atomic_t alarms, values;

static void on_alarm(int sig, siginfo_t *info, void *context) {
  (void)context;
  alarms++;
  if (sig == SIGRTMIN) values += info->si_value.sival_int;
}

static void handle(int sig) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = on_alarm;
  CHECK(sigaction(sig, &action, NULL) == 0);
}

static void sleeping(void) {
  struct timespec t = {0, 80000000}, left = {9, 9}, at;
  long long start = monotonic_ms();
  CHECK(nanosleep(&t, &left) == 0 && monotonic_ms() - start >= 79);
  CHECK(clock_gettime(CLOCK_MONOTONIC, &at) == 0);
  at.tv_nsec += 50000000;
  if (at.tv_nsec >= 1000000000) {
    at.tv_nsec -= 1000000000;
    at.tv_sec++;
  }
  start = monotonic_ms();
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == 0);
  CHECK(monotonic_ms() - start >= 48);
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == 0);
  CHECK(clock_nanosleep(12345, 0, &t, NULL) == EINVAL);
  t.tv_nsec = 1000000000;
  CHECK_FAILS(nanosleep(&t, NULL), EINVAL);
  // Interrupted: what is left comes back.
  struct itimerval once = {{0, 0}, {0, 100000}};
  CHECK(setitimer(ITIMER_REAL, &once, NULL) == 0);
  t = (struct timespec){5, 0};
  CHECK_FAILS(nanosleep(&t, &left), EINTR);
  CHECK(left.tv_sec == 4 && alarms == 1);
}

static void alarms_and_itimers(void) {
  alarms = 0;
  CHECK(alarm(100) == 0);
  unsigned left = alarm(1);
  CHECK(left == 100 || left == 99);
  CHECK_FAILS(pause(), EINTR);
  CHECK(alarms == 1);
  struct itimerval period = {{0, 15000}, {0, 30000}}, off = {{0, 0}, {0, 0}},
                   old;
  long long start = monotonic_ms();
  CHECK(setitimer(ITIMER_REAL, &period, NULL) == 0);
  while (alarms < 6) pause();
  CHECK(monotonic_ms() - start >= 30 + 4 * 15 - 1);
  CHECK(setitimer(ITIMER_REAL, &off, &old) == 0);
  CHECK(old.it_interval.tv_usec == 15000);
  // Process time.
  alarms = 0;
  struct itimerval cpu = {{0, 0}, {0, 50000}};
  CHECK(setitimer(ITIMER_PROF, &cpu, NULL) == 0);
  sleep_ms(100);
  CHECK(alarms == 0);
  start = monotonic_ms();
  while (alarms == 0 && monotonic_ms() - start < 10000) {
  }
  CHECK(alarms == 1);
  alarm(50);
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(alarm(0) == 0);  // not inherited
    _exit(0);
  }
  reap(pid);
  CHECK(alarm(0) != 0);
  CHECK_FAILS(setitimer(99, &off, NULL), EINVAL);
}

static void posix(void) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL};
  event.sigev_signo = SIGRTMIN;
  event.sigev_value.sival_int = 1000;
  timer_t timer;
  alarms = 0;
  CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  struct itimerspec t = {{0, 10000000}, {0, 20000000}}, left;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  CHECK(timer_settime(timer, 0, &t, NULL) == 0);
  sleep_ms(150);
  siginfo_t info;
  CHECK(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_code == SI_TIMER);
  CHECK(info.si_value.sival_int == 1000 && info.si_overrun >= 5);
  CHECK(timer_getoverrun(timer) == info.si_overrun);
  CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
  while (alarms < 3) pause();
  CHECK(values >= 3000 && timer_gettime(timer, &left) == 0);
  CHECK(left.it_interval.tv_nsec == 10000000);
  CHECK(timer_delete(timer) == 0);
  CHECK_FAILS(timer_delete(timer), EINVAL);
  event.sigev_notify = SIGEV_NONE;
  CHECK(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
  CHECK(timer_settime(timer, 0, &t, NULL) == 0 && timer_delete(timer) == 0);
}

static int thread_calls;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void on_thread(union sigval v) {
  pthread_mutex_lock(&mutex);
  thread_calls += v.sival_int;
  pthread_mutex_unlock(&mutex);
}

static void with_threads(void) {
  struct sigevent event = {.sigev_notify = SIGEV_THREAD};
  event.sigev_notify_function = on_thread;
  event.sigev_value.sival_int = 1;
  timer_t timer;
  CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  struct itimerspec t = {{0, 20000000}, {0, 20000000}};
  CHECK(timer_settime(timer, 0, &t, NULL) == 0);
  for (int i = 0; i < 500; ++i) {
    sleep_ms(10);
    pthread_mutex_lock(&mutex);
    int enough = thread_calls >= 3;
    pthread_mutex_unlock(&mutex);
    if (enough) break;
  }
  CHECK(thread_calls >= 3 && timer_delete(timer) == 0);
}

int main(void) {
  handle(SIGALRM);
  handle(SIGPROF);
  handle(SIGRTMIN);
  sleeping();
  alarms_and_itimers();
  posix();
  with_threads();
  printf("ok\n");
  return 0;
}
