// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/process/exec_layout.h"

#include "gtest/gtest.h"
#include "guestkernel/abi/layout.h"

namespace gk {
namespace {

constexpr uint64_t kMiB = 1 << 20, kGiB = 1 << 30;

void CheckOrder(const ExecLayout& l) {
  constexpr uint64_t kPage = crvm::abi::kPageSize;
  EXPECT_EQ(l.stack_top % kPage, 0u);
  EXPECT_EQ(l.vvar % kPage, 0u);
  EXPECT_EQ(l.mmap_base % kPage, 0u);
  EXPECT_EQ(l.pie_base % kPage, 0u);
  EXPECT_EQ(l.stack_shift % 16, 0u);
  EXPECT_GT(l.vvar, l.stack_top);
  EXPECT_LT(l.vvar + 9 * kPage, crvm::abi::kUserEnd);
  EXPECT_GE(l.stack_top - l.mmap_base, 128 * kMiB);
  EXPECT_GT(l.mmap_base, uint64_t{0x7f8000000000});
  EXPECT_LT(l.pie_base + 512 * kGiB, l.mmap_base);
  // Stack and vDSO under one page of page tables, with room to go down.
  EXPECT_EQ(l.stack_top >> 21, (l.vvar + 9 * kPage) >> 21);
  EXPECT_EQ(l.stack_top >> 21, (l.stack_top - 1 * kMiB) >> 21);
}

TEST(ExecLayoutTest, FixedOnRequest) {
  ExecLayout a = ChooseExecLayout(nullptr, 8 * kMiB);
  ExecLayout b = ChooseExecLayout(nullptr, 8 * kMiB);
  CheckOrder(a);
  EXPECT_EQ(a.stack_top, b.stack_top);
  EXPECT_EQ(a.pie_base, 0x555555554000u);
  EXPECT_EQ(a.brk_gap, 0u);
}

TEST(ExecLayoutTest, AllBitsSetIsStillInOrder) {
  uint64_t ones[8];
  for (uint64_t& r : ones) r = ~uint64_t{0};
  CheckOrder(ChooseExecLayout(ones, 8 * kMiB));
  CheckOrder(ChooseExecLayout(ones, ~uint64_t{0}));
  CheckOrder(ChooseExecLayout(ones, 0));
}

TEST(ExecLayoutTest, LeavesRoomForTheStack) {
  ExecLayout l = ChooseExecLayout(nullptr, 4 * kGiB);
  EXPECT_GE(l.stack_top - l.mmap_base, 4 * kGiB);
}

}  // namespace
}  // namespace gk
