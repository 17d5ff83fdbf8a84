// SPDX-License-Identifier: Apache-2.0
//
// The vDSO: system calls that need no kernel. Runs in programs, in any thread,
// position-independent, without any data of its own; reads the clock page that
// the kernel maps directly before it. See vdso(7). Also in signal handlers and
// across a snapshot in the middle of a call: the sequence and generation are
// looked at again after the clock was read.
#include <cstdint>

#include "guestkernel/abi/shared_pages.h"

namespace {

using crvm::abi::ClockPage;

constexpr int kRealtime = 0, kMonotonic = 1, kMonotonicRaw = 4,
              kRealtimeCoarse = 5, kMonotonicCoarse = 6, kBoottime = 7,
              kTai = 11;
constexpr long kSysGettimeofday = 96, kSysClockGettime = 228,
               kSysClockGetres = 229;
constexpr uint64_t kNsPerSecond = 1000000000;

struct TimeSpec {
  int64_t seconds, nanoseconds;
};
struct TimeVal {
  int64_t seconds, microseconds;
};
struct TimeZone {
  int32_t minutes_west, dst_time;
};

// Set by the linker script: one page before the image.
extern "C" const volatile ClockPage crvm_clock_page
    __attribute__((visibility("hidden")));

inline uint64_t Tsc() {
  // Not before the reads that precede it (SDM vol. 2, RDTSC).
  asm volatile("lfence" : : : "memory");
  return __builtin_ia32_rdtsc();
}

inline void CompilerBarrier() { asm volatile("" : : : "memory"); }

long Syscall2(long number, long a, void* b) {
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b)
               : "rcx", "r11", "memory");
  return result;
}

struct Now {
  uint64_t monotonic_ns, realtime_ns, boottime_ns;
};

inline uint64_t Elapsed(const volatile ClockPage& page) {
  uint64_t now = Tsc(), base = page.tsc_base;
  // Another core's counter may be a little behind.
  if (now < base) return 0;
  auto product = static_cast<unsigned __int128>(now - base) * page.multiplier;
  return static_cast<uint64_t>(product >> page.shift);
}

inline Now ReadClocks() {
  const volatile ClockPage& page = crvm_clock_page;
  for (;;) {
    uint32_t sequence = page.sequence;
    uint64_t generation = page.generation;
    CompilerBarrier();
    uint64_t elapsed = Elapsed(page);
    Now now = {page.monotonic_ns + elapsed, page.realtime_ns + elapsed,
               page.monotonic_ns + elapsed + page.boottime_extra_ns};
    CompilerBarrier();
    if (!(sequence & 1) && page.sequence == sequence &&
        page.generation == generation)
      return now;
    __builtin_ia32_pause();
  }
}

inline void Store(uint64_t ns, TimeSpec* to) {
  to->seconds = static_cast<int64_t>(ns / kNsPerSecond);
  to->nanoseconds = static_cast<int64_t>(ns % kNsPerSecond);
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))
// The names that vdso(7) gives, and the plain ones.
#define ALIAS(name) __attribute__((weak, alias(name), visibility("default")))

EXPORT int __vdso_clock_gettime(int clock, TimeSpec* to) {
  switch (clock) {
    case kRealtime:
    case kRealtimeCoarse:
    case kTai:
      Store(ReadClocks().realtime_ns, to);
      return 0;
    case kMonotonic:
    case kMonotonicCoarse:
    case kMonotonicRaw:
      Store(ReadClocks().monotonic_ns, to);
      return 0;
    case kBoottime:
      Store(ReadClocks().boottime_ns, to);
      return 0;
    default:
      return static_cast<int>(Syscall2(kSysClockGettime, clock, to));
  }
}

EXPORT int __vdso_clock_getres(int clock, TimeSpec* to) {
  switch (clock) {
    case kRealtime:
    case kMonotonic:
    case kMonotonicRaw:
    case kBoottime:
    case kTai:
      if (to) *to = TimeSpec{0, 1};
      return 0;
    default:
      return static_cast<int>(Syscall2(kSysClockGetres, clock, to));
  }
}

EXPORT int __vdso_gettimeofday(TimeVal* to, TimeZone* zone) {
  // The kernel knows the zone, if anyone does.
  if (zone) {
    return static_cast<int>(
        Syscall2(kSysGettimeofday, reinterpret_cast<long>(to), zone));
  }
  if (!to) return 0;
  uint64_t ns = ReadClocks().realtime_ns;
  to->seconds = static_cast<int64_t>(ns / kNsPerSecond);
  to->microseconds = static_cast<int64_t>(ns % kNsPerSecond / 1000);
  return 0;
}

EXPORT int64_t __vdso_time(int64_t* to) {
  auto seconds = static_cast<int64_t>(ReadClocks().realtime_ns / kNsPerSecond);
  if (to) *to = seconds;
  return seconds;
}

// There is one vCPU.
EXPORT int __vdso_getcpu(uint32_t* cpu, uint32_t* node, void* /*unused*/) {
  if (cpu) *cpu = 0;
  if (node) *node = 0;
  return 0;
}

extern "C" {
int clock_gettime(int, TimeSpec*) ALIAS("__vdso_clock_gettime");
int clock_getres(int, TimeSpec*) ALIAS("__vdso_clock_getres");
int gettimeofday(TimeVal*, TimeZone*) ALIAS("__vdso_gettimeofday");
int64_t time(int64_t*) ALIAS("__vdso_time");
int getcpu(uint32_t*, uint32_t*, void*) ALIAS("__vdso_getcpu");
}
