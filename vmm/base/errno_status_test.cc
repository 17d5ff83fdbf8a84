// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/errno_status.h"

#include <cerrno>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace crvm {
namespace {

TEST(ErrnoStatusTest, MapsCodeAndNamesTheOperation) {
  absl::Status status = ErrnoStatus(ENOENT, "open /dev/kvm");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "open /dev/kvm: No such file or directory");
}

TEST(ErrnoStatusTest, OtherCodes) {
  EXPECT_TRUE(absl::IsPermissionDenied(ErrnoStatus(EACCES, "x")));
  EXPECT_TRUE(absl::IsInvalidArgument(ErrnoStatus(EINVAL, "x")));
  EXPECT_TRUE(absl::IsResourceExhausted(ErrnoStatus(ENOMEM, "x")));
  EXPECT_TRUE(absl::IsResourceExhausted(ErrnoStatus(ENOSPC, "x")));
  EXPECT_TRUE(absl::IsAlreadyExists(ErrnoStatus(EEXIST, "x")));
}

TEST(ErrnoStatusDeathTest, ZeroIsOurBug) {
  EXPECT_DEATH(ErrnoStatus(0, "x").IgnoreError(), "err != 0");
}

}  // namespace
}  // namespace crvm
