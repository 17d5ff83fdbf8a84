// SPDX-License-Identifier: Apache-2.0
//
// Who runs next, and how fairly.
#include "guestkernel/sched/run_queue.h"

#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/scheduler.h"
#include "guestkernel/sched/testing/kernel_test.h"

namespace gk {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;

TEST(VirtualTimeTest, IsWeightedByNice) {
  EXPECT_EQ(VirtualTime(1000, 0), 1000u);
  EXPECT_EQ(VirtualTime(1000, 1), 1250u);
  EXPECT_EQ(VirtualTime(1000, -1), 800u);
  EXPECT_GT(VirtualTime(1000, 19), 60'000u);
  EXPECT_LT(VirtualTime(100'000, -20), 1500u);
}

class RunQueueTest : public KernelTest {
 protected:
  RefPtr<Thread> Make(uint64_t virtual_ns) {
    auto thread = MakeRef<Thread>();
    thread->virtual_ns = virtual_ns;
    return thread;
  }
  // Threads that always want to run; what each has used after `total`.
  std::vector<uint64_t> Compete(std::vector<int> nices, uint64_t total) {
    bool stop = false;
    std::vector<Thread*> threads;
    for (int nice : nices) {
      threads.push_back(Spawn(
          [&stop, nice] {
            CurrentThread()->nice = static_cast<int8_t>(nice);
            while (!stop) UseTime();
          },
          process()));
    }
    uint64_t end = MonotonicNs() + total;
    while (MonotonicNs() < end) Block(Deadline::After(50 * kMillisecond));
    std::vector<uint64_t> used;
    for (Thread* thread : threads) {
      used.push_back(ThreadCpuTime(thread).total_ns());
    }
    stop = true;
    for (Thread* thread : threads) Join(thread);
    return used;
  }
  // A millisecond in user mode.
  static void UseTime() {
    TrapFrame frame = {};
    PrepareUserReturn(&frame);
    hosted::AdvanceClock(kMillisecond);
    AccountKernelEntry();
  }
};

TEST_F(RunQueueTest, OrdersByVirtualTime) {
  RunQueue queue;
  auto a = Make(30), b = Make(10), c = Make(20), d = Make(10);
  for (auto* thread : {&a, &b, &c, &d}) queue.Add(thread->get());
  for (auto* thread : {&b, &d, &c, &a}) {
    EXPECT_EQ(queue.TakeFirst(), thread->get());
  }
  EXPECT_EQ(queue.TakeFirst(), nullptr);
}

TEST_F(RunQueueTest, SleepersCannotSaveUpTime) {
  RunQueue queue;
  auto busy = Make(1000 * kMillisecond), sleeper = Make(0), fresh = Make(0);
  queue.Add(busy.get());
  queue.TakeFirst();
  queue.AddWoken(sleeper.get());
  EXPECT_GE(sleeper->virtual_ns, 990 * kMillisecond);
  EXPECT_TRUE(RunQueue::Preempts(*sleeper, *busy));
  queue.AddNew(fresh.get(), busy.get());
  EXPECT_EQ(fresh->virtual_ns, busy->virtual_ns);
}

TEST_F(RunQueueTest, YieldingGoesLast) {
  RunQueue queue;
  auto a = Make(10), b = Make(20), yielder = Make(0);
  queue.Add(a.get());
  queue.Add(b.get());
  queue.AddLast(yielder.get());
  EXPECT_EQ(queue.TakeFirst(), a.get());
  EXPECT_EQ(queue.TakeFirst(), b.get());
  EXPECT_EQ(queue.TakeFirst(), yielder.get());
}

TEST_F(RunQueueTest, EqualsShareEqually) {
  auto used = Compete({0, 0, 0}, 3000 * kMillisecond);
  for (uint64_t ns : used) EXPECT_NEAR(ns / kMillisecond, 1000, 20);
}

TEST_F(RunQueueTest, NiceGetsLess) {
  auto used = Compete({0, 5}, 4000 * kMillisecond);
  EXPECT_NEAR(used[0] / kMillisecond, 3000, 100);  // 1.25^5 is 3.05
}

TEST_F(RunQueueTest, SleeperRunsSoon) {
  bool stop = false;
  std::vector<Thread*> hogs;
  for (int i = 0; i < 4; ++i) {
    hogs.push_back(Spawn(
        [&] {
          while (!stop) UseTime();
        },
        process()));
  }
  uint64_t worst = 0;
  for (int i = 0; i < 20; ++i) {
    uint64_t due = MonotonicNs() + 30 * kMillisecond;
    Block(Deadline{due});
    uint64_t late = MonotonicNs() - due;
    // At first all have used the same.
    if (i >= 5 && late > worst) worst = late;
  }
  EXPECT_LE(worst, kMillisecond);  // the end of the hog's current turn
  stop = true;
  for (Thread* hog : hogs) Join(hog);
}

}  // namespace
}  // namespace gk
