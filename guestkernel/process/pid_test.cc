// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/process/pid.h"

#include "gtest/gtest.h"

namespace gk {

Thread* FindThread(int tid);
Process* FindProcess(int pid);

namespace {

TEST(PidTest, CountsUpAndDoesNotReuseAtOnce) {
  SetNextPid(10);
  int a = AllocatePid().take(), b = AllocatePid().take();
  EXPECT_EQ(a, 10);
  EXPECT_EQ(b, 11);
  ReleasePid(a);
  EXPECT_EQ(AllocatePid().take(), 12);
  ReleasePid(11);
  ReleasePid(12);
}

TEST(PidTest, WrapsAndSkipsWhatIsInUse) {
  SetNextPid(kPidMax - 1);
  EXPECT_EQ(AllocatePid().take(), kPidMax - 1);
  EXPECT_EQ(AllocatePid().take(), kPidWrapTo);
  SetNextPid(kPidMax - 1);
  EXPECT_EQ(AllocatePid().take(), kPidWrapTo + 1);
  for (int pid : {kPidMax - 1, kPidWrapTo, kPidWrapTo + 1}) ReleasePid(pid);
}

TEST(PidTest, StaysWhileAGroupOrSessionGoesByIt) {
  SetNextPid(500);
  int pid = AllocatePid().take();
  HoldPid(pid);  // as a group
  ReleasePid(pid);
  SetNextPid(500);
  EXPECT_EQ(AllocatePid().take(), 501);
  ReleasePid(501);
  ReleasePid(pid);
  SetNextPid(500);
  EXPECT_EQ(AllocatePid().take(), 500);
  ReleasePid(500);
}

TEST(PidTest, FindsThreadsAndProcesses) {
  SetNextPid(700);
  int pid = AllocatePid().take();
  auto* thread = reinterpret_cast<Thread*>(0x1000);
  auto* process = reinterpret_cast<Process*>(0x2000);
  EXPECT_EQ(FindThread(pid), nullptr);
  SetPidThread(pid, thread);
  SetPidProcess(pid, process);
  EXPECT_EQ(FindThread(pid), thread);
  EXPECT_EQ(FindProcess(pid), process);
  EXPECT_EQ(FindProcess(pid + 1024), nullptr);  // the same bucket
  SetPidThread(pid, nullptr);
  SetPidProcess(pid, nullptr);
  ReleasePid(pid);
  EXPECT_EQ(FindProcess(pid), nullptr);
}

}  // namespace
}  // namespace gk
