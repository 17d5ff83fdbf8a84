// SPDX-License-Identifier: Apache-2.0
//
// Reading the clocks: rdtsc, scaled by the clock page that the VMM writes. Any
// thread, in the kernel; trusts the VMM.
#include "guestkernel/sched/clock.h"

#include "guestkernel/arch/arch.h"
#include "guestkernel/lib/errno.h"

namespace gk {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

struct ClockReading {
  uint64_t elapsed_ns;  // since tsc_base
  uint64_t monotonic_ns, realtime_ns, boottime_extra_ns;
};

ClockReading ReadClockPage() {
  const volatile crvm::abi::ClockPage& page = GetClockPage();
  for (;;) {
    uint32_t sequence = page.sequence;
    // x86 keeps loads in order; the fences keep the compiler to it.
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    uint64_t tsc = ReadTsc();
    uint64_t base = page.tsc_base;
    // Another core's TSC may be behind by a little.
    uint64_t ticks = tsc > base ? tsc - base : 0;
    ClockReading reading{
        static_cast<uint64_t>(
            (static_cast<unsigned __int128>(ticks) * page.multiplier) >>
            page.shift),
        page.monotonic_ns, page.realtime_ns, page.boottime_extra_ns};
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    if (!(sequence & 1) && page.sequence == sequence) return reading;
  }
}

}  // namespace

uint64_t TicksToNs(uint64_t ticks) {
  const volatile crvm::abi::ClockPage& page = GetClockPage();
  return static_cast<uint64_t>(
      (static_cast<unsigned __int128>(ticks) * page.multiplier) >> page.shift);
}

uint64_t MonotonicNs() {
  ClockReading reading = ReadClockPage();
  return reading.monotonic_ns + reading.elapsed_ns;
}

uint64_t RealtimeNs() {
  ClockReading reading = ReadClockPage();
  return reading.realtime_ns + reading.elapsed_ns;
}

uint64_t BoottimeNs() {
  ClockReading reading = ReadClockPage();
  return reading.monotonic_ns + reading.boottime_extra_ns + reading.elapsed_ns;
}

uint64_t ClockNow(ClockBase base) {
  switch (base) {
    case ClockBase::kRealtime:
      return RealtimeNs();
    case ClockBase::kBoottime:
      return BoottimeNs();
    case ClockBase::kMonotonic:
      break;
  }
  return MonotonicNs();
}

int ToNanoseconds(const TimeSpec& time, uint64_t* ns) {
  if (time.seconds < 0 || time.nanoseconds < 0 ||
      time.nanoseconds >= kNsPerSecond) {
    return -EINVAL;
  }
  if (__builtin_mul_overflow(time.seconds, static_cast<uint64_t>(kNsPerSecond),
                             ns) ||
      __builtin_add_overflow(*ns, time.nanoseconds, ns)) {
    *ns = ~uint64_t{0};
  }
  return 0;
}

}  // namespace gk
