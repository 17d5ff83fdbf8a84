// SPDX-License-Identifier: Apache-2.0
//
// Floating point: results, rounding modes, exceptions, state kept over system
// calls, signals, forks and between threads and processes that compute at once.

#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "testdata/programs/lib/check.h"

static atomic_int stop;

static double series(int seed, int n) {
  double x = seed * 0.1, sum = 0;
  for (int i = 1; i <= n; ++i) {
    x = sin(x) + sqrt(x * x + i) / (1 + fabs(cos(x)));
    sum += x / i;
  }
  return sum;
}

__attribute__((target_clones("avx2", "default"))) static long vector_sum(
    const int *v, int n) {
  long sum = 0;
  for (int i = 0; i < n; ++i) sum += v[i] * 3 + (v[i] ^ i);
  return sum;
}

static void on_alarm(int sig) {
  (void)sig;
  volatile double x = 1.0 / 3;
  for (int i = 0; i < 100; ++i) x = x * 1.1 - 0.05;
  fesetround(FE_UPWARD);  // must not leak out of the handler
}

static void *compute(void *arg) {
  int seed = (int)(long)arg;
  double expected = series(seed, 2000);
  while (!stop) CHECK(series(seed, 2000) == expected);
  return NULL;
}

static void over_signals(void) {
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  double expected = series(9, 5000);
  for (int i = 0; i < 50; ++i) {
    CHECK(raise(SIGUSR1) == 0);
    CHECK(fegetround() == FE_TONEAREST);
    CHECK(series(9, 5000) == expected);
  }
  pid_t pid = must_fork();
  if (pid == 0) {
    for (int i = 0; i < 200; ++i) {
      kill(getppid(), SIGUSR1);
      sleep_ms(1);
    }
    _exit(0);
  }
  for (int i = 0; i < 300; ++i) CHECK(series(9, 5000) == expected);
  reap(pid);
}

static void modes(void) {
  volatile double one = 1, three = 3;
  for (int i = 0; i < 2; ++i) {
    CHECK(fesetround(i == 0 ? FE_DOWNWARD : FE_UPWARD) == 0);
    sleep_ms(1);
    getppid();
    printf("%.20f\n", one / three);
  }
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(fegetround() == FE_UPWARD);
    _exit(0);
  }
  reap(pid);
  fesetround(FE_TONEAREST);
  feclearexcept(FE_ALL_EXCEPT);
  volatile double zero = 0, inf = one / zero;
  CHECK(isinf(inf) && fetestexcept(FE_DIVBYZERO));
  volatile long double l = 1.0L / three;
  printf("%.25Lf\n", l);
}

static void trapping(void) {
  pid_t pid = must_fork();
  if (pid == 0) {
    feenableexcept(FE_DIVBYZERO);
    volatile double zero = 0;
    zero = 1 / zero;
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGFPE);
}

int main(void) {
  static int v[1000];
  for (int i = 0; i < 1000; ++i) v[i] = i * i - 500 * i;
  printf("%.12f %ld\n", series(1, 1000), vector_sum(v, 1000));
  modes();
  over_signals();
  pthread_t t[3];
  for (long i = 0; i < 3; ++i) pthread_create(&t[i], NULL, compute, (void *)i);
  pid_t pid = must_fork();
  if (pid == 0) {
    double expected = series(77, 3000);
    for (int i = 0; i < 100; ++i) CHECK(series(77, 3000) == expected);
    _exit(0);
  }
  reap(pid);
  stop = 1;
  for (int i = 0; i < 3; ++i) pthread_join(t[i], NULL);
  trapping();
  printf("ok\n");
  return 0;
}
