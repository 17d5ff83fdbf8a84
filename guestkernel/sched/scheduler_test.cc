// SPDX-License-Identifier: Apache-2.0
//
// The scheduler: turns, slices, exits, events, accounting.
#include "guestkernel/sched/scheduler.h"

#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/testing/kernel_test.h"

namespace gk {
namespace {

using SchedulerTest = KernelTest;

constexpr uint64_t kMillisecond = 1'000'000;

// As if this thread were on its way to user mode.
void ToUserMode() {
  TrapFrame frame = {};
  PrepareUserReturn(&frame);
}

TEST_F(SchedulerTest, TakesTurns) {
  std::vector<int> order;
  std::vector<Thread*> threads;
  for (int i = 0; i < 3; ++i) {
    threads.push_back(Spawn([&, i] {
      for (int turn = 0; turn < 2; ++turn) {
        order.push_back(i);
        Yield();
      }
    }));
  }
  for (Thread* thread : threads) Join(thread);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 0, 1, 2}));
}

TEST_F(SchedulerTest, SliceTimerOnlyWithCompany) {
  Join(Spawn([] {}));  // begins a slice
  ToUserMode();
  EXPECT_TRUE(hosted::Doorbells().empty());
  bool ran = false;
  Thread* other = Spawn([&] { ran = true; });
  ToUserMode();
  EXPECT_FALSE(ran);  // the slice is not over
  ASSERT_EQ(hosted::Doorbells().size(), 1u);
  hosted::AdvanceClock(11 * kMillisecond);  // raises the timer event
  ToUserMode();
  EXPECT_TRUE(ran);
  Join(other);
}

TEST_F(SchedulerTest, TimerIsNotMovedAtSwitches) {
  Join(Spawn([] {}));
  Thread* other = Spawn([&] {
    for (int i = 0; i < 20; ++i) Yield();
  });
  for (int i = 0; i < 20; ++i) {
    ToUserMode();
    Yield();
  }
  Join(other);
  EXPECT_EQ(hosted::Doorbells().size(), 1u);
}

TEST_F(SchedulerTest, DeadThreadsAreFreed) {
  // Far more than there could be at once.
  for (int i = 0; i < 10000; ++i) {
    auto thread = CreateKernelThread(
        "short", [](void* count) { ++*static_cast<int*>(count); }, &i);
    ASSERT_TRUE(thread.ok());
    int before = i;
    MakeRunnable(thread->get());
    thread = Error(-ENOMEM);  // drops our reference
    Yield();
    ASSERT_EQ(i, before + 1);
  }
}

TEST_F(SchedulerTest, CreateFailsCleanly) {
  for (int limit = 0; limit < 4; ++limit) {
    hosted::FailAllocationsAfter(limit);
    auto thread = Thread::Create(process());
    hosted::FailAllocationsAfter(-1);
    if (thread.ok()) break;
    EXPECT_EQ(thread.error(), -ENOMEM);
  }
  auto thread = Thread::Create(process());
  ASSERT_TRUE(thread.ok());
  EXPECT_EQ(FindThread((*thread)->tid), thread->get());
}

TEST_F(SchedulerTest, AllAskedToExitLeave) {
  TrapFrame frame = {};
  Thread* other = Spawn([&] { PrepareUserReturn(&frame); }, process());
  RequestThreadExit(other);
  Join(other);
  EXPECT_EQ(ProcessCalls().exit_threads, 1);
}

int pauses, resumes, device_events;

TEST_F(SchedulerTest, PauseReachesTheSafePointFromUserReturn) {
  pauses = resumes = device_events = 0;
  static bool added = [] {
    AddPauseHook([] { ++pauses; });
    AddResumedHook([] { ++resumes; });
    AddDeviceEventHook([] { ++device_events; });
    return true;
  }();
  ASSERT_TRUE(added);
  hosted::RaiseEvents(crvm::abi::kEventPause | crvm::abi::kEventDevice);
  ToUserMode();
  ASSERT_EQ(hosted::Doorbells().size(), 1u);
  EXPECT_EQ(hosted::Doorbells()[0].which, crvm::abi::Doorbell::kSafePoint);
  EXPECT_EQ(pauses, 1);
  EXPECT_EQ(device_events, 1);
  hosted::RaiseEvents(crvm::abi::kEventResumed);
  ToUserMode();
  EXPECT_EQ(resumes, 1);
}

TEST_F(SchedulerTest, PauseReachesTheSafePointFromIdle) {
  hosted::RaiseEvents(crvm::abi::kEventPause);
  EXPECT_EQ(Block(Deadline::After(5)), -ETIMEDOUT);
  EXPECT_EQ(hosted::Doorbells()[0].which, crvm::abi::Doorbell::kSafePoint);
}

TEST_F(SchedulerTest, ChargesUserAndSystemTime) {
  ToUserMode();
  CpuTime start = ThreadCpuTime(main_thread());
  hosted::AdvanceClock(70);
  EXPECT_EQ(ThreadCpuTime(main_thread()).user_ns - start.user_ns, 70u);
  AccountKernelEntry();
  hosted::AdvanceClock(30);
  ToUserMode();
  CpuTime end = ThreadCpuTime(main_thread());
  EXPECT_EQ(end.user_ns - start.user_ns, 70u);
  EXPECT_EQ(end.system_ns - start.system_ns, 30u);
}

TEST_F(SchedulerTest, IdleTimeIsNobodys) {
  uint64_t before = ThreadCpuTime(main_thread()).total_ns();
  uint64_t idle = IdleNs();
  Block(Deadline::After(1000));
  EXPECT_EQ(ThreadCpuTime(main_thread()).total_ns(), before);
  EXPECT_EQ(IdleNs() - idle, 1000u);
}

}  // namespace
}  // namespace gk
