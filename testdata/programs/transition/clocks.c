// SPDX-License-Identifier: Apache-2.0
//
// Clocks and the vDSO over the snapshot: CLOCK_MONOTONIC goes on from where it
// stopped and never backwards, CLOCK_REALTIME is the time of day, CPU clocks
// count the process's own time.

#include <sys/syscall.h>
#include <sys/time.h>

#include "testdata/programs/lib/transition.h"

static long long ns(clockid_t clock) {
  struct timespec t;
  CHECK(clock_gettime(clock, &t) == 0);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static long long syscall_ns(clockid_t clock) {
  struct timespec t;
  CHECK(syscall(SYS_clock_gettime, clock, &t) == 0);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  static const clockid_t kClocks[] = {CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
                                      CLOCK_BOOTTIME, CLOCK_MONOTONIC_COARSE};
  enum { kCount = sizeof kClocks / sizeof *kClocks };
  long long last[kCount], real = ns(CLOCK_REALTIME);
  long long start = ns(CLOCK_MONOTONIC), cpu = ns(CLOCK_PROCESS_CPUTIME_ID);
  for (int i = 0; i < kCount; ++i) last[i] = ns(kClocks[i]);
  ready();
  do {
    for (int n = 0; n < 5000; ++n) {
      for (int i = 0; i < kCount; ++i) {
        long long now = ns(kClocks[i]);
        CHECK(now >= last[i]);
        last[i] = now;
      }
    }
    // The vDSO and the kernel agree.
    long long before = ns(CLOCK_MONOTONIC);
    long long kernel = syscall_ns(CLOCK_MONOTONIC);
    CHECK(before <= kernel && kernel <= ns(CLOCK_MONOTONIC));
    CHECK(ns(CLOCK_PROCESS_CPUTIME_ID) >= cpu);
    cpu = ns(CLOCK_PROCESS_CPUTIME_ID);
  } while (!released());
  struct timeval tv;
  CHECK(gettimeofday(&tv, NULL) == 0);
  long long difference = ns(CLOCK_REALTIME) / 1000000000 - tv.tv_sec;
  CHECK(difference == 0 || difference == 1);
  long long real_passed = ns(CLOCK_REALTIME) - real;
  long long passed = ns(CLOCK_MONOTONIC) - start;
  CHECK(real_passed > 0 && passed > 0);
  CHECK(passed < real_passed + 1000000000);  // 1 s: the clock may be stepped
  return pass();
}
