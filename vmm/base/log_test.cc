// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/log.h"

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace crvm {
namespace {

using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

TEST(LogTest, OneLineWithLevel) {
  CaptureStderr();
  CRVM_LOG(WARNING) << "queue " << 3
                    << "\nis broken: " << absl::NotFoundError("gone");
  EXPECT_EQ(GetCapturedStderr(),
            "crvm: warning: queue 3 is broken: NOT_FOUND: gone\n");
}

TEST(LogTest, BelowThresholdIsNotFormatted) {
  int evaluated = 0;
  CaptureStderr();
  CRVM_LOG(INFO) << ++evaluated;
  EXPECT_EQ(GetCapturedStderr(), "");
  EXPECT_EQ(evaluated, 0);
  SetMinLogLevel(LogLevel::INFO);
  CaptureStderr();
  CRVM_LOG(INFO) << ++evaluated;
  SetMinLogLevel(LogLevel::WARNING);
  EXPECT_EQ(GetCapturedStderr(), "crvm: 1\n");
}

TEST(LogTest, Names) {
  EXPECT_EQ(LogLevelNamed("debug"), LogLevel::DEBUG);
  EXPECT_EQ(LogLevelNamed("info"), LogLevel::INFO);
  EXPECT_EQ(LogLevelNamed("warning"), LogLevel::WARNING);
  EXPECT_EQ(LogLevelNamed("error"), LogLevel::ERROR);
  EXPECT_EQ(LogLevelNamed("INFO"), std::nullopt);
}

TEST(LogTest, IsOneStatement) {
  bool other = false;
  if (false)
    CRVM_LOG(ERROR) << "no";
  else
    other = true;
  EXPECT_TRUE(other);
}

}  // namespace
}  // namespace crvm
