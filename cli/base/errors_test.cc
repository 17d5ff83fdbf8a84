// SPDX-License-Identifier: Apache-2.0

#include "cli/base/errors.h"

#include "gtest/gtest.h"

namespace crvm {
namespace {

TEST(ErrorsTest, ExitCodes) {
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("x")), 125);
  EXPECT_EQ(ExitCodeOf(WithExitCode(absl::NotFoundError("x"), 127)), 127);
}

TEST(ErrorsTest, Printable) {
  EXPECT_EQ(Printable("plain \xc3\xa4"), "plain \xc3\xa4");
  EXPECT_EQ(Printable("a\nb\x1b[2J"), "a\\nb\\033[2J");
}

TEST(ErrorsTest, OneLine) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(Fail("run", absl::NotFoundError("two\nlines")), 125);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "crvm: run: two\\nlines\n");
}

}  // namespace
}  // namespace crvm
