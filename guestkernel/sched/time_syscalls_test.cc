// SPDX-License-Identifier: Apache-2.0
//
// System calls about clocks, sleeping, interval and POSIX timers.
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/itimer.h"
#include "guestkernel/sched/posix_timer.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/syscalls.h"
#include "guestkernel/sched/testing/kernel_test.h"

namespace gk {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

class TimeTest : public KernelTest {
 protected:
  ~TimeTest() override {
    process()->posix_timers.reset();
    process()->itimers.reset();
  }
  template <typename... Args>
  static int64_t Call(SyscallHandler handler, Args... args) {
    TrapFrame frame = {};
    SyscallArgs call = {{(uint64_t)args...}, &frame};
    return handler(call);
  }
  static uint64_t Read(int clock) {
    TimeSpec time = {};
    EXPECT_EQ(Call(&SysClockGettime, clock, &time), 0);
    return time.seconds * kSecond + time.nanoseconds;
  }
  static void ToUserMode() {
    TrapFrame frame = {};
    PrepareUserReturn(&frame);
  }
  void BlockAll() { SetBlockedSignals(SignalSet{~0ull}); }
  // Lets time pass in user mode, with the events that it brings.
  static void Run(uint64_t ns) {
    ToUserMode();
    hosted::AdvanceClock(ns);
    AccountKernelEntry();
    ToUserMode();
  }
  static void Sleep(uint64_t ns) { Block(Deadline::After(ns)); }
  // How many are pending (the info of the last in *info).
  static int TakeAll(int signo, SigInfo* info) {
    int count = 0;
    while (TakeSignal(SignalSet{SignalSet::Bit(signo)}, info)) ++count;
    return count;
  }
};

TEST_F(TimeTest, Clocks) {
  uint64_t mono = Read(CLOCK_MONOTONIC);
  EXPECT_EQ(mono, MonotonicNs());
  EXPECT_EQ(Read(CLOCK_MONOTONIC_RAW), mono);
  EXPECT_EQ(Read(CLOCK_BOOTTIME), mono);
  EXPECT_EQ(Read(CLOCK_REALTIME), RealtimeNs());
  EXPECT_EQ(Read(CLOCK_REALTIME_COARSE), RealtimeNs());
  TimeSpec time;
  EXPECT_EQ(Call(&SysClockGettime, 99, &time), -EINVAL);
  EXPECT_EQ(Call(&SysClockGettime, CLOCK_REALTIME, 8), -EFAULT);
  EXPECT_EQ(Call(&SysClockGetres, CLOCK_MONOTONIC, &time), 0);
  EXPECT_EQ(time.nanoseconds, 1);
  EXPECT_EQ(Call(&SysClockSettime, CLOCK_REALTIME, &time), -EPERM);
  EXPECT_EQ(Call(&SysTime, nullptr),
            static_cast<int64_t>(RealtimeNs() / kSecond));
}

TEST_F(TimeTest, CpuClocks) {
  ToUserMode();
  uint64_t thread = Read(CLOCK_THREAD_CPUTIME_ID);
  Run(5000);
  EXPECT_EQ(Read(CLOCK_THREAD_CPUTIME_ID) - thread, 5000u);
  EXPECT_EQ(Read(CLOCK_PROCESS_CPUTIME_ID), Read(CLOCK_THREAD_CPUTIME_ID));
  int of_process = (~process()->pid << 3) | 2;
  EXPECT_EQ(Read(of_process), Read(CLOCK_PROCESS_CPUTIME_ID));
  int of_thread = (~main_thread()->tid << 3) | 6;
  EXPECT_EQ(Read(of_thread), Read(CLOCK_THREAD_CPUTIME_ID));
  TimeSpec time;
  EXPECT_EQ(Call(&SysClockGettime, (~9999 << 3) | 2, &time), -EINVAL);
}

TEST_F(TimeTest, Nanosleep) {
  uint64_t start = MonotonicNs();
  TimeSpec time = {3, 5};
  EXPECT_EQ(Call(&SysNanosleep, &time, nullptr), 0);
  EXPECT_EQ(MonotonicNs() - start, 3 * kSecond + 5);
  time = {0, 1000000000};
  EXPECT_EQ(Call(&SysNanosleep, &time, nullptr), -EINVAL);
  time = ToTimeSpec(RealtimeNs() + kSecond);
  start = MonotonicNs();
  EXPECT_EQ(Call(&SysClockNanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &time, 0),
            0);
  EXPECT_EQ(MonotonicNs() - start, kSecond);
  EXPECT_EQ(Call(&SysClockNanosleep, CLOCK_MONOTONIC_COARSE, 0, &time, 0),
            -EOPNOTSUPP);
}

TEST_F(TimeTest, InterruptedSleepGoesOn) {
  TimeSpec time = {10, 0}, remaining = {};
  int64_t result = 0;
  Thread* sleeper = Spawn(
      [&] {
        result = Call(&SysNanosleep, &time, &remaining);
        SigInfo info;
        TakeSignal(SignalSet{~0ull}, &info);
        EXPECT_EQ(Call(&SysRestartSyscall), 0);
        EXPECT_EQ(Call(&SysRestartSyscall), -EINTR);
      },
      process());
  uint64_t start = MonotonicNs();
  BlockAll();
  Sleep(4 * kSecond);
  SendSignalToThread(sleeper, SIGUSR1, nullptr);
  Yield();
  EXPECT_EQ(result, -kErestartRestartBlock);
  EXPECT_EQ(remaining.seconds, 6);
  while (sleeper->state != ThreadState::kDead) Sleep(kSecond);
  EXPECT_EQ(MonotonicNs() - start, 10 * kSecond);
}

TEST_F(TimeTest, RealItimerRepeats) {
  BlockAll();
  itimerval value = {{2, 0}, {1, 0}}, old;
  EXPECT_EQ(Call(&SysSetitimer, ITIMER_REAL, &value, nullptr), 0);
  SigInfo info;
  Sleep(kSecond / 2);
  EXPECT_EQ(Call(&SysGetitimer, ITIMER_REAL, &old), 0);
  EXPECT_EQ(old.it_value.tv_usec, 500000);
  EXPECT_EQ(TakeAll(SIGALRM, &info), 0);
  for (int i = 0; i < 3; ++i) {
    Sleep(2 * kSecond);
    EXPECT_EQ(TakeAll(SIGALRM, &info), 1);
  }
  value = {};
  EXPECT_EQ(Call(&SysSetitimer, ITIMER_REAL, &value, &old), 0);
  EXPECT_EQ(old.it_interval.tv_sec, 2);
  Sleep(10 * kSecond);
  EXPECT_EQ(TakeAll(SIGALRM, &info), 0);
}

TEST_F(TimeTest, Alarm) {
  BlockAll();
  EXPECT_EQ(Call(&SysAlarm, 100), 0);
  Sleep(40 * kSecond);
  EXPECT_EQ(Call(&SysAlarm, 5), 60);
  Sleep(6 * kSecond);
  SigInfo info;
  EXPECT_EQ(TakeAll(SIGALRM, &info), 1);
  EXPECT_EQ(Call(&SysAlarm, 0), 0);
}

TEST_F(TimeTest, ProfilingItimerCountsCpuTime) {
  BlockAll();
  itimerval value = {{0, 0}, {0, 500}};
  EXPECT_EQ(Call(&SysSetitimer, ITIMER_PROF, &value, nullptr), 0);
  EXPECT_EQ(Call(&SysSetitimer, ITIMER_VIRTUAL, &value, nullptr), 0);
  SigInfo info;
  Sleep(kSecond);  // idle
  ToUserMode();
  EXPECT_EQ(TakeAll(SIGPROF, &info), 0);
  hosted::AdvanceClock(600'000);
  EXPECT_NE(ThisVcpu().pending, 0u);  // the kernel had asked to be called
  AccountKernelEntry();
  ToUserMode();
  EXPECT_EQ(TakeAll(SIGPROF, &info), 1);
  EXPECT_EQ(TakeAll(SIGVTALRM, &info), 1);
  Run(kSecond);
  EXPECT_EQ(TakeAll(SIGPROF, &info), 0);
}

class PosixTimerTest : public TimeTest {
 protected:
  int Create(int clock, int notify, int signo) {
    struct sigevent event = {};
    event.sigev_notify = notify;
    event.sigev_signo = signo;
    event.sigev_value.sival_int = 77;
    event._sigev_un._tid = main_thread()->tid;
    int id = -1;
    int64_t error = Call(&SysTimerCreate, clock, &event, &id);
    return error ? static_cast<int>(error) : id;
  }
  int64_t Set(int id, uint64_t value, uint64_t interval, int flags = 0) {
    TimerSpec spec = {ToTimeSpec(interval), ToTimeSpec(value)};
    return Call(&SysTimerSettime, id, flags, &spec, nullptr);
  }
  uint64_t Get(int id) {
    TimerSpec spec = {};
    EXPECT_EQ(Call(&SysTimerGettime, id, &spec), 0);
    return spec.value.seconds * kSecond + spec.value.nanoseconds;
  }
};

TEST_F(PosixTimerTest, SignalsTheProcess) {
  BlockAll();
  int id = Create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 40);
  ASSERT_GE(id, 0);
  EXPECT_EQ(Set(id, kSecond, 0), 0);
  EXPECT_EQ(Get(id), kSecond);
  Sleep(2 * kSecond);
  EXPECT_EQ(Get(id), 0u);
  SigInfo info;
  EXPECT_EQ(TakeAll(40, &info), 1);
  EXPECT_EQ(info.code, SI_TIMER);
  EXPECT_EQ(info.timer.value, 77u);
  EXPECT_EQ(info.timer.overrun, 0);
}

TEST_F(PosixTimerTest, CountsOverruns) {
  BlockAll();
  int id = Create(CLOCK_REALTIME, SIGEV_THREAD_ID, SIGALRM);
  EXPECT_EQ(Set(id, kSecond, kSecond), 0);
  Sleep(5 * kSecond + kSecond / 2);
  EXPECT_TRUE(main_thread()->pending.set().Has(SIGALRM));
  SigInfo info;
  EXPECT_EQ(TakeAll(SIGALRM, &info), 1);
  EXPECT_EQ(info.timer.overrun, 4);
  EXPECT_EQ(Call(&SysTimerGetoverrun, id), 4);
  EXPECT_EQ(Get(id), kSecond / 2);
  Sleep(kSecond);
  EXPECT_EQ(TakeAll(SIGALRM, &info), 1);
  EXPECT_EQ(info.timer.overrun, 0);
}

TEST_F(PosixTimerTest, NoneOnlyCounts) {
  int id = Create(CLOCK_MONOTONIC, SIGEV_NONE, 0);
  EXPECT_EQ(Set(id, kSecond, 3 * kSecond), 0);
  hosted::AdvanceClock(2 * kSecond);
  EXPECT_EQ(Get(id), 2 * kSecond);
}

TEST_F(PosixTimerTest, IgnoredSignalDoesNotStopIt) {
  int id = Create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGCHLD);
  EXPECT_EQ(Set(id, kSecond, kSecond), 0);
  Sleep(10 * kSecond);
  EXPECT_TRUE(process()->pending.set().empty());
  BlockAll();  // now it is kept
  Sleep(kSecond);
  SigInfo info;
  EXPECT_EQ(TakeAll(SIGCHLD, &info), 1);
}

TEST_F(PosixTimerTest, DeletingWithdrawsTheSignal) {
  BlockAll();
  int id = Create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 40);
  EXPECT_EQ(Set(id, 1, 0), 0);
  Sleep(kSecond);
  EXPECT_TRUE(process()->pending.set().Has(40));
  EXPECT_EQ(Call(&SysTimerDelete, id), 0);
  EXPECT_FALSE(process()->pending.set().Has(40));
  EXPECT_EQ(Call(&SysTimerDelete, id), -EINVAL);
  EXPECT_EQ(Create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 40), id);
}

TEST_F(PosixTimerTest, AbsoluteAndPast) {
  BlockAll();
  int id = Create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 40);
  EXPECT_EQ(Set(id, 1, 0, TIMER_ABSTIME), 0);
  Sleep(1);
  SigInfo info;
  EXPECT_EQ(TakeAll(40, &info), 1);
}

TEST_F(PosixTimerTest, CpuClock) {
  BlockAll();
  int id = Create(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, 40);
  ASSERT_GE(id, 0);
  EXPECT_EQ(Set(id, 1'000'000, 0), 0);
  SigInfo info;
  Sleep(kSecond);
  ToUserMode();
  EXPECT_EQ(TakeAll(40, &info), 0);
  Run(2'000'000);
  EXPECT_EQ(TakeAll(40, &info), 1);
}

TEST_F(PosixTimerTest, ArgumentsAreChecked) {
  EXPECT_EQ(Create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 65), -EINVAL);
  EXPECT_EQ(Create(CLOCK_MONOTONIC, 9, 40), -EINVAL);
  EXPECT_EQ(Create(50, SIGEV_SIGNAL, 40), -EINVAL);
  EXPECT_EQ(Set(3, 1, 0), -EINVAL);
  int id = -1;
  EXPECT_EQ(Call(&SysTimerCreate, CLOCK_MONOTONIC, nullptr, 8), -EFAULT);
  EXPECT_EQ(Call(&SysTimerCreate, CLOCK_MONOTONIC, nullptr, &id), 0);
  EXPECT_EQ(id, 0);
}

}  // namespace
}  // namespace gk
