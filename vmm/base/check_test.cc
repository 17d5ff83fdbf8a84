// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/check.h"

#include "gtest/gtest.h"

namespace crvm {
namespace {

TEST(CheckTest, PassesSilently) { CRVM_CHECK(1 + 1 == 2); }

TEST(CheckDeathTest, NamesTheCondition) {
  int n = 3;
  EXPECT_DEATH(CRVM_CHECK(n == 4), "check_test.cc:.*CHECK failed: n == 4");
}

}  // namespace
}  // namespace crvm
