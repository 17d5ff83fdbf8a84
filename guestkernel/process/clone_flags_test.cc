// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/process/clone_flags.h"

#include "gtest/gtest.h"
#include "guestkernel/lib/errno.h"

namespace gk {
namespace {

constexpr uint64_t kPthreadFlags =  // glibc's pthread_create
    kCloneVm | kCloneFs | kCloneFiles | kCloneSysvSem | kCloneSigHand |
    kCloneThread | kCloneSetTls | kCloneParentSetTid | kCloneChildClearTid;

TEST(CloneFlagsTest, WhatLibrariesUse) {
  EXPECT_EQ(CheckCloneFlags(0, false), 0);
  EXPECT_EQ(CheckCloneFlags(kPthreadFlags, false), 0);
  EXPECT_EQ(CheckCloneFlags(kCloneVm | kCloneVfork, false), 0);
  EXPECT_EQ(CheckCloneFlags(kCloneVm | kCloneVfork | kClonePidfd, false), 0);
  EXPECT_EQ(CheckCloneFlags(kCloneChildSetTid | kCloneChildClearTid, false), 0);
}

TEST(CloneFlagsTest, Combinations) {
  EXPECT_EQ(CheckCloneFlags(kCloneThread | kCloneVm, false), -EINVAL);
  EXPECT_EQ(CheckCloneFlags(kCloneSigHand, false), -EINVAL);
  EXPECT_EQ(CheckCloneFlags(kPthreadFlags | kClonePidfd, false), -EINVAL);
  EXPECT_EQ(CheckCloneFlags(kCloneDetached | kClonePidfd, false), -EINVAL);
  EXPECT_EQ(CheckCloneFlags(kCloneFs | kCloneNewNs, true), -EINVAL);
}

TEST(CloneFlagsTest, Namespaces) {
  EXPECT_EQ(CheckCloneFlags(kCloneNewNet, false), -EPERM);
  EXPECT_EQ(CheckCloneFlags(kCloneNewNet, true), -EINVAL);
  EXPECT_EQ(CheckCloneFlags(kCloneNewUser, false), -EINVAL);
  EXPECT_EQ(CheckCloneFlags(kCloneNewUser | kCloneNewPid, false), -EPERM);
}

TEST(Clone3Test, Arguments) {
  CloneArgs a = {};
  a.exit_signal = 17;
  EXPECT_EQ(CheckClone3Args(a), 0);
  a.exit_signal = 65;
  EXPECT_EQ(CheckClone3Args(a), -EINVAL);
  a.exit_signal = 17;
  a.flags = kPthreadFlags;
  EXPECT_EQ(CheckClone3Args(a), -EINVAL);
  a.exit_signal = 0;
  EXPECT_EQ(CheckClone3Args(a), 0);
  a.flags |= kCloneClearSigHand;
  EXPECT_EQ(CheckClone3Args(a), -EINVAL);
  a.flags = 17;  // the exit signal has its own field
  EXPECT_EQ(CheckClone3Args(a), -EINVAL);
  a.flags = uint64_t{1} << 40;
  EXPECT_EQ(CheckClone3Args(a), -EINVAL);
}

TEST(Clone3Test, Stack) {
  CloneArgs a = {};
  a.stack = 0x10000;
  EXPECT_EQ(CheckClone3Args(a), -EINVAL);
  a.stack_size = 0x1000;
  EXPECT_EQ(CheckClone3Args(a), 0);
  a.stack_size = ~uint64_t{0};
  EXPECT_EQ(CheckClone3Args(a), -EINVAL);
  a.stack = 0;
  EXPECT_EQ(CheckClone3Args(a), -EINVAL);
}

}  // namespace
}  // namespace gk
