// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/process/wait_rules.h"

#include "gtest/gtest.h"

namespace gk {
namespace {

WaitChild Child() { return WaitChild{10, 20, 17, false, false, false, false}; }

TEST(WaitRulesTest, TargetsOfWait4) {
  WaitTarget t;
  ASSERT_TRUE(WaitTargetOf(-1, 5, &t));
  EXPECT_TRUE(WaitMatches(t, 0, Child()));
  ASSERT_TRUE(WaitTargetOf(10, 5, &t));
  EXPECT_TRUE(WaitMatches(t, 0, Child()));
  ASSERT_TRUE(WaitTargetOf(11, 5, &t));
  EXPECT_FALSE(WaitMatches(t, 0, Child()));
  ASSERT_TRUE(WaitTargetOf(-20, 5, &t));
  EXPECT_TRUE(WaitMatches(t, 0, Child()));
  ASSERT_TRUE(WaitTargetOf(0, 20, &t));
  EXPECT_TRUE(WaitMatches(t, 0, Child()));
  ASSERT_TRUE(WaitTargetOf(0, 5, &t));
  EXPECT_FALSE(WaitMatches(t, 0, Child()));
  EXPECT_FALSE(WaitTargetOf(INT32_MIN, 5, &t));
}

TEST(WaitRulesTest, CloneChildren) {
  WaitTarget any;
  WaitChild clone = Child();
  clone.exit_signal = 0;
  EXPECT_FALSE(WaitMatches(any, 0, clone));
  EXPECT_TRUE(WaitMatches(any, kWaitClone, clone));
  EXPECT_TRUE(WaitMatches(any, kWaitAll, clone));
  EXPECT_FALSE(WaitMatches(any, kWaitClone, Child()));
  EXPECT_TRUE(WaitMatches(any, kWaitAll | kWaitClone, Child()));
}

TEST(WaitRulesTest, Events) {
  WaitChild child = Child();
  EXPECT_EQ(WaitEventOf(kWaitExited | kWaitStopped | kWaitContinued, child),
            WaitEvent::kNone);
  child.stopped = true;
  EXPECT_EQ(WaitEventOf(kWaitExited, child), WaitEvent::kNone);
  EXPECT_EQ(WaitEventOf(kWaitExited | kWaitStopped, child),
            WaitEvent::kStopped);
  child.stop_reported = true;
  EXPECT_EQ(WaitEventOf(kWaitExited | kWaitStopped, child), WaitEvent::kNone);
  child.stopped = false;
  child.continued = true;
  EXPECT_EQ(WaitEventOf(kWaitStopped, child), WaitEvent::kNone);
  EXPECT_EQ(WaitEventOf(kWaitContinued, child), WaitEvent::kContinued);
  child.zombie = true;
  EXPECT_EQ(WaitEventOf(kWaitExited | kWaitContinued, child),
            WaitEvent::kExited);
  EXPECT_EQ(WaitEventOf(kWaitStopped, child), WaitEvent::kNone);
}

TEST(WaitRulesTest, Statuses) {
  EXPECT_EQ(StoppedStatus(19), 0x137f);
  EXPECT_EQ(kContinuedStatus, 0xffff);
}

}  // namespace
}  // namespace gk
