// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/status_macros.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace crvm {
namespace {

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return absl::InvalidArgumentError("odd");
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  CRVM_ASSIGN_OR_RETURN(int half, Half(n));
  CRVM_ASSIGN_OR_RETURN(half, Half(half));
  return half;
}

absl::Status Check(int n, bool* reached_end) {
  CRVM_RETURN_IF_ERROR(Half(n).status());
  *reached_end = true;
  return absl::OkStatus();
}

absl::StatusOr<int> Unwrap(absl::StatusOr<std::unique_ptr<int>> in) {
  CRVM_ASSIGN_OR_RETURN(std::unique_ptr<int> p, std::move(in));
  return *p;
}

TEST(StatusMacrosTest, AssignOrReturn) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status(), absl::InvalidArgumentError("odd"));
  EXPECT_EQ(Quarter(7).status(), absl::InvalidArgumentError("odd"));
}

TEST(StatusMacrosTest, ReturnIfError) {
  bool reached = false;
  EXPECT_FALSE(Check(1, &reached).ok());
  EXPECT_FALSE(reached);
  EXPECT_TRUE(Check(2, &reached).ok());
  EXPECT_TRUE(reached);
}

TEST(StatusMacrosTest, MoveOnlyValue) {
  EXPECT_EQ(*Unwrap(std::make_unique<int>(5)), 5);
  EXPECT_FALSE(Unwrap(absl::NotFoundError("none")).ok());
}

}  // namespace
}  // namespace crvm
