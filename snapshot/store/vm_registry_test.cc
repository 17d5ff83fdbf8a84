// SPDX-License-Identifier: Apache-2.0

#include "snapshot/store/vm_registry.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"
#include "snapshot/testing/temp_dir.h"

namespace crvm {
namespace {

class VmRegistryTest : public testing::Test {
 protected:
  VmRegistry Registry() { return *VmRegistry::Open(dir_.File("run")); }

  TempDir dir_;
};

TEST_F(VmRegistryTest, ClaimListRelease) {
  EXPECT_TRUE(Registry().List()->empty());
  {
    auto claim = *Registry().Claim("job");
    const auto vms = *Registry().List();
    ASSERT_EQ(vms.size(), 1u);
    EXPECT_EQ(vms[0].name, "job");
    EXPECT_EQ(vms[0].pid, getpid());
    EXPECT_EQ(vms[0].directory, claim->directory());
    EXPECT_EQ(Registry().Find("job")->pid, getpid());
  }
  EXPECT_TRUE(Registry().List()->empty());
  EXPECT_EQ(Registry().Find("job").status().message(),
            "no running VM 'job': `crvm ps` shows what is running");
}

TEST_F(VmRegistryTest, ANameIsClaimedOnce) {
  auto claim = *Registry().Claim("job");
  const absl::Status status = Registry().Claim("job").status();
  EXPECT_TRUE(absl::IsAlreadyExists(status));
  EXPECT_NE(status.message().find("'job' is in use"), std::string::npos);
  auto second = *Registry().ClaimLike("job");
  EXPECT_EQ(second->name(), "job-2");
  auto third = *Registry().ClaimLike("job");
  EXPECT_EQ(third->name(), "job-3");
  second.reset();
  EXPECT_EQ((*Registry().ClaimLike("job"))->name(), "job-2");
}

TEST_F(VmRegistryTest, BadNames) {
  EXPECT_TRUE(absl::IsInvalidArgument(Registry().Claim("../x").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Registry().Find("../x").status()));
}

TEST_F(VmRegistryTest, AKilledVmIsStale) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto claim = *Registry().Claim("job");
    WriteWholeFile(claim->directory() + "/control", "");
    (void)!write(ready[1], "r", 1);
    pause();
    _exit(0);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(Registry().Find("job")->pid, child);
  EXPECT_TRUE(absl::IsAlreadyExists(Registry().Claim("job").status()));
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(Registry().List()->empty());
  EXPECT_TRUE(Registry().Claim("job").ok());
}

// The kernel frees a killed VM's memory before it lets go of its locks.
TEST_F(VmRegistryTest, AKilledVmIsWaitedFor) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto claim = *Registry().Claim("job");
    constexpr size_t kSize = size_t{512} << 20;
    std::vector<char> memory(kSize, 1);
    (void)!write(ready[1], memory.data(), 1);
    pause();
    _exit(0);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_EQ(kill(child, SIGKILL), 0);
  EXPECT_TRUE(Registry().Claim("job").ok());
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
}

TEST_F(VmRegistryTest, ManyProcessesWantOneName) {
  constexpr int kProcesses = 8;
  int go[2];
  ASSERT_EQ(pipe(go), 0);
  for (int i = 0; i < kProcesses; ++i) {
    if (fork() == 0) {
      close(go[1]);
      auto claim = Registry().Claim("job");
      char byte;
      (void)!read(go[0], &byte, 1);  // until the parent has seen all claims
      _exit(claim.ok() ? 0 : 1);
    }
  }
  close(go[0]);
  // Those that failed wait as well; give all the time to have tried.
  while (Registry().List()->empty()) usleep(1000);
  usleep(100'000);
  close(go[1]);
  int winners = 0;
  for (int i = 0; i < kProcesses; ++i) {
    int status;
    ASSERT_GT(wait(&status), 0);
    winners += status == 0;
  }
  EXPECT_EQ(winners, 1);
}

}  // namespace
}  // namespace crvm
