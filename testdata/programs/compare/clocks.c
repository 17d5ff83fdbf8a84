// SPDX-License-Identifier: Apache-2.0
//
// Clocks: which exist, resolution, monotony, agreement of vDSO and system call,
// CPU time clocks, times, getrusage, errors.

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>

#include "testdata/programs/lib/check.h"

static long long ns(struct timespec t) {
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static long long read_clock(clockid_t clock) {
  struct timespec t;
  CHECK(clock_gettime(clock, &t) == 0);
  CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
  return ns(t);
}

static void burn(long ms) {
  long long end = read_clock(CLOCK_PROCESS_CPUTIME_ID) + ms * 1000000;
  while (read_clock(CLOCK_PROCESS_CPUTIME_ID) < end) {
  }
}

static void each_clock(void) {
  static const clockid_t kClocks[] = {
      CLOCK_REALTIME,          CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
      CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
      CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME};
  for (size_t i = 0; i < sizeof kClocks / sizeof *kClocks; ++i) {
    struct timespec resolution, t;
    CHECK(clock_getres(kClocks[i], &resolution) == 0);
    CHECK(resolution.tv_sec == 0 && resolution.tv_nsec >= 1);
    long long before = read_clock(kClocks[i]);
    CHECK(syscall(SYS_clock_gettime, kClocks[i], &t) == 0);
    long long after = read_clock(kClocks[i]);
    CHECK(before <= ns(t) && ns(t) <= after);
    for (int k = 0; k < 10000; ++k) {
      long long now = read_clock(kClocks[i]);
      CHECK(now >= after);
      after = now;
    }
  }
  struct timespec t;
  CHECK_FAILS(clock_gettime(12345, &t), EINVAL);
  CHECK_FAILS(clock_getres(12345, &t), EINVAL);
}

static void wall_clock(void) {
  struct timeval tv;
  CHECK(gettimeofday(&tv, NULL) == 0);
  time_t t = time(NULL);
  CHECK(t == tv.tv_sec || t == tv.tv_sec + 1);
  CHECK(read_clock(CLOCK_REALTIME) / 1000000000 - t <= 1);
  CHECK(t > 1600000000);
  struct tm utc;
  CHECK(gmtime_r(&t, &utc) != NULL && utc.tm_year > 120);
}

static void *burn_in_thread(void *arg) {
  burn(60);
  *(long long *)arg = read_clock(CLOCK_THREAD_CPUTIME_ID);
  return NULL;
}

static void cpu_time(void) {
  long long cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  sleep_ms(100);
  CHECK(read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu < 80000000);
  struct rusage before, after;
  CHECK(getrusage(RUSAGE_SELF, &before) == 0);
  burn(100);
  CHECK(getrusage(RUSAGE_SELF, &after) == 0);
  double used = after.ru_utime.tv_sec - before.ru_utime.tv_sec +
                (after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6 +
                after.ru_stime.tv_sec - before.ru_stime.tv_sec +
                (after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
  CHECK(used > 0.05 && used < 5);
  CHECK(after.ru_maxrss > 100);
  long long own = read_clock(CLOCK_THREAD_CPUTIME_ID), thread_time = 0;
  pthread_t t;
  CHECK(pthread_create(&t, NULL, burn_in_thread, &thread_time) == 0);
  CHECK(pthread_join(t, NULL) == 0);
  CHECK(thread_time >= 30000000);
  CHECK(read_clock(CLOCK_THREAD_CPUTIME_ID) - own < thread_time);
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(read_clock(CLOCK_PROCESS_CPUTIME_ID) < 50000000);
    burn(60);
    _exit(0);
  }
  reap(pid);
  struct tms tms;
  CHECK(times(&tms) != (clock_t)-1 && tms.tms_cutime + tms.tms_cstime >= 2);
  CHECK(getrusage(RUSAGE_CHILDREN, &after) == 0);
  CHECK(clock() > 0);
}

int main(void) {
  each_clock();
  wall_clock();
  cpu_time();
  printf("ok\n");
  return 0;
}
