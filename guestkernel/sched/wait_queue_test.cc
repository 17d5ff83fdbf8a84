// SPDX-License-Identifier: Apache-2.0
//
// Waiting: wakes, deadlines, signals, exclusive waiters.
#include "guestkernel/sched/wait_queue.h"

#include <signal.h>

#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/testing/kernel_test.h"

namespace gk {
namespace {

using WaitQueueTest = KernelTest;

constexpr uint64_t kSecond = 1'000'000'000;

TEST_F(WaitQueueTest, ReadyConditionDoesNotBlock) {
  WaitQueue queue;
  EXPECT_EQ(WaitUntil(queue, [] { return true; }), 0);
  EXPECT_TRUE(queue.empty());
}

TEST_F(WaitQueueTest, WakeEndsWait) {
  WaitQueue queue;
  bool ready = false;
  int result = 1;
  Thread* waiter =
      Spawn([&] { result = WaitUntil(queue, [&] { return ready; }); });
  RunOthers();
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(result, 1);
  queue.WakeAll();  // not ready yet: goes on waiting
  RunOthers();
  EXPECT_EQ(result, 1);
  ready = true;
  queue.WakeAll();
  Join(waiter);
  EXPECT_EQ(result, 0);
  EXPECT_TRUE(queue.empty());
}

TEST_F(WaitQueueTest, DeadlineEndsWait) {
  WaitQueue queue;
  uint64_t start = MonotonicNs();
  EXPECT_EQ(WaitUntil(
                queue, [] { return false; }, Deadline::After(5 * kSecond)),
            -ETIMEDOUT);
  EXPECT_EQ(MonotonicNs() - start, 5 * kSecond);
}

TEST_F(WaitQueueTest, PassedDeadlineEndsWaitAtOnce) {
  WaitQueue queue;
  EXPECT_EQ(WaitUntil(
                queue, [] { return false; }, Deadline{1}),
            -ETIMEDOUT);
  EXPECT_TRUE(hosted::Doorbells().empty());
}

TEST_F(WaitQueueTest, RealtimeDeadlineFollowsTheClock) {
  WaitQueue queue;
  Deadline deadline{RealtimeNs() + 100 * kSecond, ClockBase::kRealtime};
  int result = 1;
  Thread* waiter = Spawn([&] {
    result = WaitUntil(
        queue, [] { return false; }, deadline);
  });
  RunOthers();
  uint64_t start = MonotonicNs();
  // The clock is set 90 s ahead.
  hosted::SetRealtimeOffset(RealtimeNs() - MonotonicNs() + 90 * kSecond);
  OnClockChanged();
  while (waiter->state != ThreadState::kDead) {
    WaitQueue nothing;
    WaitUntil(
        nothing, [] { return false; }, Deadline::After(kSecond));
  }
  EXPECT_EQ(result, -ETIMEDOUT);
  EXPECT_EQ(MonotonicNs() - start, 10 * kSecond);
}

TEST_F(WaitQueueTest, LostWakeIsNotLost) {
  WaitQueue queue;
  Waiter waiter;
  waiter.on_wake = &WakeThreadOnWake;
  waiter.thread = CurrentThread();
  PrepareToBlock();
  queue.Add(&waiter);
  queue.WakeAll();
  EXPECT_EQ(Block(Deadline::Never()), 0);
}

TEST_F(WaitQueueTest, ExclusiveWakesGoToDifferentThreads) {
  WaitQueue queue;
  int tokens = 0;
  std::vector<int> order;
  std::vector<Thread*> threads;
  for (int i = 0; i < 3; ++i) {
    threads.push_back(Spawn([&, i] {
      WaitUntil(
          queue,
          [&] {
            if (tokens == 0) return false;
            --tokens;
            return true;
          },
          Deadline::Never(), Interruptible::kYes, true);
      order.push_back(i);
    }));
  }
  RunOthers();
  tokens = 2;
  EXPECT_EQ(queue.Wake(), 1u);
  EXPECT_EQ(queue.Wake(), 1u);
  RunOthers();
  EXPECT_EQ(order, (std::vector<int>{0, 1}));
  tokens = 1;
  EXPECT_EQ(queue.Wake(), 1u);
  for (Thread* thread : threads) Join(thread);
  EXPECT_EQ(queue.Wake(), 0u);
}

TEST_F(WaitQueueTest, MaskSelectsWaiters) {
  WaitQueue queue;
  static int woken;
  woken = 0;
  Waiter in, out;
  in.on_wake = out.on_wake = [](Waiter*, uint32_t) { ++woken; };
  in.mask = 1;
  out.mask = 4;
  queue.Add(&in);
  queue.Add(&out);
  EXPECT_EQ(queue.WakeAll(4), 1u);
  EXPECT_EQ(queue.WakeAll(2), 0u);
  EXPECT_EQ(queue.WakeAll(), 2u);
  EXPECT_EQ(woken, 3);
}

TEST_F(WaitQueueTest, SignalEndsInterruptibleWaitOnly) {
  WaitQueue queue;
  bool ready = false;
  int interruptible = 1, uninterruptible = 1;
  Thread* a =
      Spawn([&] { interruptible = WaitUntil(queue, [&] { return ready; }); },
            process());
  Thread* b = Spawn(
      [&] {
        uninterruptible = WaitUntil(
            queue, [&] { return ready; }, Deadline::Never(),
            Interruptible::kNo);
      },
      process());
  RunOthers();
  for (Thread* thread : {a, b}) {
    EXPECT_EQ(SendSignalToThread(thread, SIGUSR1, nullptr), 0);
  }
  RunOthers();
  EXPECT_EQ(interruptible, -kErestartSys);
  EXPECT_EQ(uninterruptible, 1);
  ready = true;
  queue.WakeAll();
  Join(a);
  Join(b);
  EXPECT_EQ(uninterruptible, 0);
}

TEST_F(WaitQueueTest, KillEndsKillableWait) {
  WaitQueue queue;
  int result = 1;
  Thread* waiter = Spawn(
      [&] {
        result = WaitUntil(
            queue, [] { return false; }, Deadline::Never(),
            Interruptible::kKillableOnly);
      },
      process());
  RunOthers();
  SendSignalToThread(waiter, SIGUSR1, nullptr);
  RunOthers();
  EXPECT_EQ(result, 1);
  SendSignalToThread(waiter, SIGKILL, nullptr);
  Join(waiter);
  EXPECT_EQ(result, -kErestartSys);
}

TEST_F(WaitQueueTest, RequestedExitEndsWait) {
  WaitQueue queue;
  int result = 1;
  Thread* waiter = Spawn(
      [&] { result = WaitUntil(queue, [] { return false; }); }, process());
  RunOthers();
  RequestThreadExit(waiter);
  Join(waiter);
  EXPECT_EQ(result, -kErestartSys);
}

}  // namespace
}  // namespace gk
