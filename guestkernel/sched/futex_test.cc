// SPDX-License-Identifier: Apache-2.0
//
// Futexes, with waiters on threads of their own.
#include "guestkernel/sched/futex.h"

#include <linux/futex.h>
#include <signal.h>

#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/syscalls.h"
#include "guestkernel/sched/testing/kernel_test.h"

namespace gk {
namespace {

constexpr int kWait = FUTEX_WAIT | FUTEX_PRIVATE_FLAG;
constexpr int kWake = FUTEX_WAKE | FUTEX_PRIVATE_FLAG;

class FutexTest : public KernelTest {
 protected:
  template <typename... Args>
  static int64_t Futex(uint32_t* word, int operation, Args... args) {
    TrapFrame frame = {};
    SyscallArgs call = {
        {(uint64_t)word, (uint64_t)operation, (uint64_t)args...}, &frame};
    return SysFutex(call);
  }
  // A thread that waits on `word` and stores the result.
  Thread* SpawnWaiter(uint32_t* word, int64_t* result,
                      TimeSpec* timeout = nullptr) {
    *result = 1;
    Thread* thread =
        Spawn([=] { *result = Futex(word, kWait, *word, timeout); }, process());
    RunOthers();
    EXPECT_EQ(*result, 1);
    return thread;
  }

  // A spawned thread's point where it waits for LetEnd().
  void AwaitEnd() {
    WaitUntil(end_queue_, [this] { return may_end_; });
  }
  void LetEnd() {
    may_end_ = true;
    end_queue_.WakeAll();
  }

  uint32_t word_ = 5;
  WaitQueue end_queue_;
  bool may_end_ = false;
};

TEST_F(FutexTest, WaitChecksTheWord) {
  EXPECT_EQ(Futex(&word_, kWait, 4), -EAGAIN);
  EXPECT_EQ(Futex((uint32_t*)2, kWait, 4), -EINVAL);
  EXPECT_EQ(Futex((uint32_t*)16, kWait, 4), -EFAULT);
  EXPECT_EQ(Futex(&word_, 77), -ENOSYS);
}

TEST_F(FutexTest, WakeWakesAsManyAsAsked) {
  int64_t results[3];
  Thread* threads[3];
  for (int i = 0; i < 3; ++i) threads[i] = SpawnWaiter(&word_, &results[i]);
  EXPECT_EQ(Futex(&word_, kWake, 2), 2);
  RunOthers();
  EXPECT_EQ(results[0], 0);
  EXPECT_EQ(results[1], 0);
  EXPECT_EQ(results[2], 1);
  EXPECT_EQ(Futex(&word_, kWake, INT32_MAX), 1);
  for (Thread* thread : threads) Join(thread);
  EXPECT_EQ(Futex(&word_, kWake, 1), 0);
}

TEST_F(FutexTest, RelativeTimeout) {
  TimeSpec timeout = {2, 0};
  uint64_t start = MonotonicNs();
  EXPECT_EQ(Futex(&word_, kWait, 5, &timeout), -ETIMEDOUT);
  EXPECT_EQ(MonotonicNs() - start, 2'000'000'000u);
}

TEST_F(FutexTest, AbsoluteTimeoutOnEitherClock) {
  TimeSpec monotonic = ToTimeSpec(MonotonicNs() + 1000);
  int operation = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG;
  EXPECT_EQ(Futex(&word_, operation, 5, &monotonic, 0, 1), -ETIMEDOUT);
  TimeSpec real = ToTimeSpec(RealtimeNs() + 1000);
  uint64_t start = MonotonicNs();
  EXPECT_EQ(Futex(&word_, operation | FUTEX_CLOCK_REALTIME, 5, &real, 0, 1),
            -ETIMEDOUT);
  EXPECT_EQ(MonotonicNs() - start, 1000u);
  EXPECT_EQ(Futex(&word_, operation, 5, nullptr, 0, 0), -EINVAL);
}

TEST_F(FutexTest, BitsetsSelect) {
  int64_t result = 1;
  Thread* waiter = Spawn(
      [&] { result = Futex(&word_, FUTEX_WAIT_BITSET, 5, nullptr, 0, 6); },
      process());
  RunOthers();
  EXPECT_EQ(Futex(&word_, FUTEX_WAKE_BITSET, 1, 0, 0, 1), 0);
  EXPECT_EQ(Futex(&word_, FUTEX_WAKE_BITSET, 1, 0, 0, 2), 1);
  Join(waiter);
  EXPECT_EQ(result, 0);
}

TEST_F(FutexTest, RequeueMovesWaiters) {
  uint32_t other = 0;
  int64_t results[3];
  Thread* threads[3];
  for (int i = 0; i < 3; ++i) threads[i] = SpawnWaiter(&word_, &results[i]);
  int operation = FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG;
  EXPECT_EQ(Futex(&word_, operation, 1, 10, &other, 4), -EAGAIN);
  EXPECT_EQ(Futex(&word_, operation, 1, 10, &other, 5), 3);
  RunOthers();
  EXPECT_EQ(results[0], 0);
  EXPECT_EQ(Futex(&word_, kWake, 10), 0);
  EXPECT_EQ(Futex(&other, kWake, 10), 2);
  for (Thread* thread : threads) Join(thread);
}

TEST_F(FutexTest, WakeOp) {
  uint32_t other = 7;
  int64_t a, b;
  Thread* on_word = SpawnWaiter(&word_, &a);
  Thread* on_other = SpawnWaiter(&other, &b);
  int operation = FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG;
  // other += 3; wake the second if it was < 0, then if it was >= 10.
  uint32_t less = FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_LT, 0);
  EXPECT_EQ(Futex(&word_, operation, 1, 1, &other, less), 1);
  EXPECT_EQ(other, 10u);
  uint32_t greater = FUTEX_OP(FUTEX_OP_ANDN, 2, FUTEX_OP_CMP_GE, 10);
  EXPECT_EQ(Futex(&word_, operation, 1, 1, &other, greater), 1);
  EXPECT_EQ(other, 8u);
  uint32_t shifted =
      FUTEX_OP(FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_EQ, 0);
  EXPECT_EQ(Futex(&word_, operation, 1, 1, &other, shifted), 0);
  EXPECT_EQ(other, 24u);
  Join(on_word);
  Join(on_other);
}

TEST_F(FutexTest, WaitvWaitsOnSeveral) {
  struct {
    uint64_t expected, address;
    uint32_t flags, reserved;
  } specs[2] = {{5, (uint64_t)&word_, 2 | 128, 0}, {0, 0, 2 | 128, 0}};
  uint32_t other = 8;
  specs[1].address = (uint64_t)&other;
  auto wait = [&](uint32_t count, TimeSpec* timeout) {
    TrapFrame frame = {};
    SyscallArgs call = {{(uint64_t)specs, count, 0, (uint64_t)timeout, 1},
                        &frame};
    return SysFutexWaitv(call);
  };
  EXPECT_EQ(wait(2, nullptr), -EAGAIN);
  EXPECT_EQ(Futex(&word_, kWake, 1), 0);  // nothing was left in the queue
  specs[1].expected = 8;
  EXPECT_EQ(wait(0, nullptr), -EINVAL);
  TimeSpec timeout = ToTimeSpec(MonotonicNs() + 1000);
  EXPECT_EQ(wait(2, &timeout), -ETIMEDOUT);
  int64_t result = -1;
  Thread* waiter = Spawn([&] { result = wait(2, nullptr); }, process());
  RunOthers();
  EXPECT_EQ(Futex(&other, kWake, 1), 1);
  Join(waiter);
  EXPECT_EQ(result, 1);
  EXPECT_EQ(Futex(&word_, kWake, 1), 0);
}

TEST_F(FutexTest, SignalsRestart) {
  int64_t plain, timed;
  TimeSpec timeout = {100, 0};
  Thread* a = SpawnWaiter(&word_, &plain);
  Thread* b = SpawnWaiter(&word_, &timed, &timeout);
  uint64_t deadline = MonotonicNs() + 100'000'000'000;
  SendSignalToThread(a, SIGUSR1, nullptr);
  SendSignalToThread(b, SIGUSR1, nullptr);
  RunOthers();
  EXPECT_EQ(plain, -kErestartSys);
  EXPECT_EQ(timed, -kErestartRestartBlock);
  EXPECT_EQ(b->restart_block.deadline_ns, deadline);
  RestartBlock block = b->restart_block;
  EXPECT_EQ(block.restart(block), -ETIMEDOUT);
  EXPECT_EQ(MonotonicNs(), deadline);
}

TEST_F(FutexTest, PiLockIsHandedOver) {
  uint32_t lock = 0;
  int self = main_thread()->tid;
  std::vector<int> owners;
  EXPECT_EQ(Futex(&lock, FUTEX_LOCK_PI), 0);
  EXPECT_EQ(lock, static_cast<uint32_t>(self));
  EXPECT_EQ(Futex(&lock, FUTEX_LOCK_PI), -EDEADLK);
  std::vector<Thread*> threads;
  for (int i = 0; i < 3; ++i) {
    threads.push_back(Spawn(
        [&] {
          EXPECT_EQ(Futex(&lock, FUTEX_TRYLOCK_PI), -EAGAIN);
          EXPECT_EQ(Futex(&lock, FUTEX_UNLOCK_PI), -EPERM);
          EXPECT_EQ(Futex(&lock, FUTEX_LOCK_PI), 0);
          owners.push_back(static_cast<int>(lock & FUTEX_TID_MASK));
          EXPECT_EQ(Futex(&lock, FUTEX_UNLOCK_PI), 0);
        },
        process()));
  }
  RunOthers();
  EXPECT_EQ(Futex(&lock, FUTEX_UNLOCK_PI), 0);
  std::vector<int> expected;
  for (Thread* thread : threads) {
    expected.push_back(thread->tid);
    Join(thread);
  }
  EXPECT_EQ(owners, expected);
  EXPECT_EQ(lock, 0u);
}

TEST_F(FutexTest, PiLockTimesOut) {
  uint32_t lock = 1;  // init's
  TimeSpec timeout = ToTimeSpec(RealtimeNs() + 1000);
  EXPECT_EQ(Futex(&lock, FUTEX_LOCK_PI, 0, &timeout), -ESRCH);
  lock = static_cast<uint32_t>(main_thread()->tid);
  Thread* waiter = Spawn(
      [&] { EXPECT_EQ(Futex(&lock, FUTEX_LOCK_PI, 0, &timeout), -ETIMEDOUT); },
      process());
  while (waiter->state != ThreadState::kDead) Block(Deadline::After(5000));
}

struct RobustMutex {
  uint64_t next;
  uint32_t word;
};

TEST_F(FutexTest, RobustListMarksOwnedFutexes) {
  struct {
    uint64_t next;
    int64_t offset;
    uint64_t pending;
  } head;
  RobustMutex owned = {}, foreign = {};
  int64_t result;
  Thread* owner = Spawn(
      [&] {
        uint32_t tid = static_cast<uint32_t>(CurrentThread()->tid);
        owned.word = tid | FUTEX_WAITERS;
        foreign.word = 1;
        owned.next = (uint64_t)&foreign;
        foreign.next = (uint64_t)&head;
        head = {(uint64_t)&owned, offsetof(RobustMutex, word), 0};
        TrapFrame frame = {};
        SyscallArgs call = {{(uint64_t)&head, sizeof(head)}, &frame};
        EXPECT_EQ(SysSetRobustList(call), 0);
        AwaitEnd();
        FutexExit(CurrentThread());
      },
      process());
  Yield();
  Thread* waiter = SpawnWaiter(&owned.word, &result);
  LetEnd();
  Join(owner);
  Join(waiter);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(owned.word, FUTEX_WAITERS | FUTEX_OWNER_DIED);
  EXPECT_EQ(foreign.word, 1u);
}

TEST_F(FutexTest, BrokenRobustListsAreLeft) {
  struct {
    uint64_t next;
    int64_t offset;
    uint64_t pending;
  } head = {8, 3, 16};
  main_thread()->robust_list = UserAddress((uint64_t)&head);
  FutexExit(main_thread());
  head.next = (uint64_t)&head + 1;  // the PI bit: an empty list
  main_thread()->robust_list = UserAddress((uint64_t)&head);
  FutexExit(main_thread());
  RobustMutex circle = {};
  circle.next = (uint64_t)&circle;  // never ends
  head = {(uint64_t)&circle, offsetof(RobustMutex, word), 0};
  main_thread()->robust_list = UserAddress((uint64_t)&head);
  FutexExit(main_thread());
}

TEST_F(FutexTest, DyingPiOwnerPassesTheLockOn) {
  uint32_t lock = 0;
  Thread* owner = Spawn(
      [&] {
        EXPECT_EQ(Futex(&lock, FUTEX_LOCK_PI), 0);
        AwaitEnd();
        FutexExit(CurrentThread());
      },
      process());
  Yield();
  int64_t result = 1;
  Thread* waiter =
      Spawn([&] { result = Futex(&lock, FUTEX_LOCK_PI); }, process());
  RunOthers();
  LetEnd();
  Join(owner);
  Join(waiter);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(lock, static_cast<uint32_t>(waiter->tid) | FUTEX_OWNER_DIED);
}

TEST_F(FutexTest, ExitClearsTheTid) {
  uint32_t tid = 99;
  int64_t result;
  Thread* joiner = SpawnWaiter(&tid, &result);
  process()->thread_count = 2;
  main_thread()->clear_child_tid = UserAddress((uint64_t)&tid);
  FutexExit(main_thread());
  Join(joiner);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(tid, 0u);
}

}  // namespace
}  // namespace gk
