// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/process/limit_rules.h"

#include "gtest/gtest.h"
#include "guestkernel/lib/errno.h"

namespace gk {
namespace {

constexpr int kFiles = 7, kStack = 3;
constexpr uint64_t kInfinity = ~uint64_t{0};

TEST(LimitRulesTest, SoftUpToHardAndHardDown) {
  EXPECT_EQ(CheckLimitChange(kStack, 100, 100, 100, false), 0);
  EXPECT_EQ(CheckLimitChange(kStack, 100, 0, 50, false), 0);
  EXPECT_EQ(CheckLimitChange(kStack, kInfinity, 8, kInfinity, false), 0);
  EXPECT_EQ(CheckLimitChange(kStack, 100, 60, 50, true), -EINVAL);
  EXPECT_EQ(CheckLimitChange(kStack, 100, 50, 101, false), -EPERM);
  EXPECT_EQ(CheckLimitChange(kStack, 100, 50, kInfinity, true), 0);
}

TEST(LimitRulesTest, FilesHaveACeiling) {
  EXPECT_EQ(CheckLimitChange(kFiles, 4096, 10, kMaxOpenFiles, true), 0);
  EXPECT_EQ(CheckLimitChange(kFiles, 4096, 10, kMaxOpenFiles + 1, true),
            -EPERM);
  EXPECT_EQ(CheckLimitChange(kFiles, 4096, 10, kInfinity, true), -EPERM);
  // What the host gave may be above it, and stay.
  EXPECT_EQ(CheckLimitChange(kFiles, kInfinity, 10, kInfinity, false), 0);
}

TEST(LimitRulesTest, Resources) {
  EXPECT_EQ(CheckLimitChange(-1, 1, 1, 1, true), -EINVAL);
  EXPECT_EQ(CheckLimitChange(16, 1, 1, 1, true), -EINVAL);
  EXPECT_EQ(CheckLimitChange(15, 1, 1, 1, true), 0);
}

}  // namespace
}  // namespace gk
