// SPDX-License-Identifier: Apache-2.0
//
// Clocks and kernel timers, and what the VMM is told of them.
#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/scheduler.h"
#include "guestkernel/sched/testing/kernel_test.h"

namespace gk {
namespace {

using TimerTest = KernelTest;

constexpr uint64_t kSecond = 1'000'000'000;

std::vector<uint64_t>& Fired() {
  static auto* fired = new std::vector<uint64_t>;
  return *fired;
}

std::unique_ptr<Timer> MakeTimer() {
  return std::make_unique<Timer>(
      [](Timer* timer) { Fired().push_back(timer->deadline()); });
}

std::vector<uint64_t> ArmedDeadlines() {
  std::vector<uint64_t> values;
  for (const auto& ring : hosted::Doorbells()) {
    if (ring.which == crvm::abi::Doorbell::kArmTimer) {
      values.push_back(ring.value);
    }
  }
  return values;
}

TEST_F(TimerTest, ConvertsTimeSpecs) {
  uint64_t ns;
  EXPECT_EQ(ToNanoseconds(TimeSpec{1, 5}, &ns), 0);
  EXPECT_EQ(ns, kSecond + 5);
  EXPECT_EQ(ToNanoseconds(TimeSpec{-1, 0}, &ns), -EINVAL);
  EXPECT_EQ(ToNanoseconds(TimeSpec{0, -1}, &ns), -EINVAL);
  EXPECT_EQ(ToNanoseconds(TimeSpec{0, 1000000000}, &ns), -EINVAL);
  EXPECT_EQ(ToNanoseconds(TimeSpec{INT64_MAX, 999999999}, &ns), 0);
  EXPECT_EQ(ns, ~uint64_t{0});
}

TEST_F(TimerTest, RunsInOrderOfDeadlines) {
  Fired().clear();
  std::mt19937 random(1);
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<uint64_t> expected;
  uint64_t now = MonotonicNs();
  for (int i = 0; i < 500; ++i) {
    timers.push_back(MakeTimer());
    ASSERT_EQ(timers.back()->Arm(now + random() % 1000), 0);
  }
  for (int i = 0; i < 500; ++i) {
    switch (i % 5) {
      case 0:
        timers[i]->Disarm();
        break;
      case 1:
        ASSERT_EQ(timers[i]->Arm(now + random() % 1000), 0);
        break;
    }
    if (timers[i]->armed()) expected.push_back(timers[i]->deadline());
  }
  std::sort(expected.begin(), expected.end());
  hosted::AdvanceClock(1000);
  RunTimers();
  EXPECT_EQ(Fired(), expected);
}

TEST_F(TimerTest, DestroyedTimerDoesNotRun) {
  Fired().clear();
  {
    auto timer = MakeTimer();
    ASSERT_EQ(timer->Arm(1), 0);
  }
  RunTimers();
  EXPECT_TRUE(Fired().empty());
}

TEST_F(TimerTest, VmmIsToldOnlyOfEarlierDeadlines) {
  auto a = MakeTimer(), b = MakeTimer(), c = MakeTimer();
  uint64_t now = MonotonicNs();
  ASSERT_EQ(a->Arm(now + 50), 0);
  EXPECT_TRUE(ArmedDeadlines().empty());  // not before it matters
  ArmVmmTimer();
  ASSERT_EQ(b->Arm(now + 100), 0);
  ArmVmmTimer();
  a->Disarm();
  ArmVmmTimer();
  EXPECT_EQ(ArmedDeadlines(), (std::vector<uint64_t>{now + 50}));
  ASSERT_EQ(c->Arm(now + 20), 0);
  ArmVmmTimer();
  EXPECT_EQ(ArmedDeadlines(), (std::vector<uint64_t>{now + 50, now + 20}));
  hosted::AdvanceClock(20);
  HandleEvents(TakePendingEvents());
  EXPECT_FALSE(c->armed());
  ArmVmmTimer();
  EXPECT_EQ(ArmedDeadlines().back(), now + 100);
}

TEST_F(TimerTest, RealtimeTimersMoveWithTheClock) {
  Fired().clear();
  auto real = MakeTimer(), mono = MakeTimer();
  ASSERT_EQ(mono->Arm(MonotonicNs() + 30 * kSecond), 0);
  ASSERT_EQ(real->Arm(RealtimeNs() + 60 * kSecond, ClockBase::kRealtime), 0);
  hosted::SetRealtimeOffset(RealtimeNs() - MonotonicNs() + 59 * kSecond);
  OnClockChanged();
  hosted::AdvanceClock(kSecond);
  RunTimers();
  EXPECT_FALSE(real->armed());
  EXPECT_TRUE(mono->armed());
}

TEST_F(TimerTest, ArmingFailsWithoutMemory) {
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 100; ++i) timers.push_back(MakeTimer());
  hosted::FailAllocationsAfter(0);
  int error = 0;
  for (auto& timer : timers) {
    if ((error = timer->Arm(~uint64_t{0} - 1))) break;
  }
  EXPECT_EQ(error, -ENOMEM);
  // Waiting has its place reserved.
  EXPECT_EQ(Block(Deadline::After(5)), -ETIMEDOUT);
  hosted::FailAllocationsAfter(-1);
}

}  // namespace
}  // namespace gk
