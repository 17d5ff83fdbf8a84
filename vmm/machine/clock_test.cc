// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/clock.h"

#include <gtest/gtest.h>
#include <time.h>
#include <x86intrin.h>

namespace crvm {
namespace {

constexpr uint64_t kTscKhz = 2'400'000;

class ClockTest : public ::testing::Test {
 protected:
  ClockTest() : memory_(GuestMemory::Create(16 << 20).value()) {}
  abi::ClockPage Page() {
    return memory_.Read<abi::ClockPage>(GuestAddress(abi::kClockPageGpa))
        .value();
  }
  GuestMemory memory_;
};

TEST_F(ClockTest, StartsAtZeroAndNow) {
  GuestClock clock(&memory_, kTscKhz, 0);
  ASSERT_TRUE(clock.Start().ok());
  EXPECT_EQ(Page().monotonic_ns, 0u);
  EXPECT_NEAR(static_cast<double>(Page().realtime_ns) / 1e9, time(nullptr), 2);
  // 2.4 ticks to a nanosecond.
  EXPECT_NEAR(static_cast<double>(Page().multiplier) / (uint64_t{1} << 32),
              1 / 2.4, 1e-6);
}

TEST_F(ClockTest, TheTscIsTheGuests) {
  constexpr uint64_t kBehind = uint64_t{1} << 50;
  GuestClock clock(&memory_, kTscKhz, ~kBehind + 1);
  ASSERT_TRUE(clock.Start().ok());
  EXPECT_NEAR(static_cast<double>(__rdtsc() - Page().tsc_base), kBehind, 1e10);
  EXPECT_LT(clock.GuestMonotonicNs(), 10'000'000'000u);
}

TEST_F(ClockTest, MonotonicGoesOnWhereItStopped) {
  GuestClock first(&memory_, kTscKhz, 0);
  ASSERT_TRUE(first.Start().ok());
  ClockState state = first.SaveState();
  state.monotonic_ns = 5'000'000'000;
  state.realtime_ns = 1'000'000'000;
  state.host_realtime_ns -= 60'000'000'000;  // saved a minute ago
  GuestClock second(&memory_, 2 * kTscKhz, 0);
  ASSERT_TRUE(second.RestoreState(state, ClockPolicy::kRealtimeIsNow).ok());
  EXPECT_EQ(Page().monotonic_ns, 5'000'000'000u);
  EXPECT_GE(second.GuestMonotonicNs(), 5'000'000'000u);
  EXPECT_GT(Page().realtime_ns, 1'600'000'000'000'000'000u);
  EXPECT_NEAR(static_cast<double>(Page().boottime_extra_ns), 60e9, 5e9);
  EXPECT_EQ(Page().generation, 1u);
}

TEST_F(ClockTest, AsSavedMovesNeither) {
  ClockState state;
  state.monotonic_ns = 7;
  state.realtime_ns = 8;
  state.boottime_extra_ns = 9;
  GuestClock clock(&memory_, kTscKhz, 0);
  ASSERT_TRUE(clock.RestoreState(state, ClockPolicy::kAsSaved).ok());
  EXPECT_EQ(Page().realtime_ns, 8u);
  EXPECT_EQ(Page().boottime_extra_ns, 9u);
}

TEST_F(ClockTest, StateRoundTrip) {
  ClockState in = {.monotonic_ns = 1,
                   .realtime_ns = 2,
                   .boottime_extra_ns = 3,
                   .generation = 4,
                   .host_realtime_ns = 5};
  StateWriter writer;
  Encode(in, writer);
  std::string bytes = writer.Take();
  StateReader reader(bytes);
  auto out = DecodeClockState(reader);
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->monotonic_ns, 1u);
  EXPECT_EQ(out->realtime_ns, 2u);
  EXPECT_EQ(out->boottime_extra_ns, 3u);
  EXPECT_EQ(out->generation, 4u);
  EXPECT_EQ(out->host_realtime_ns, 5u);
  bytes[0] = 99;
  StateReader newer(bytes);
  EXPECT_FALSE(DecodeClockState(newer).ok());
}

}  // namespace
}  // namespace crvm
