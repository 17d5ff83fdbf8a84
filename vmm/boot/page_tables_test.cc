// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/page_tables.h"

#include <gtest/gtest.h>

#include "guestkernel/abi/shared_pages.h"

namespace crvm {
namespace {

constexpr uint64_t kSize = 64 << 20;
constexpr uint64_t kPresent = 1, kWritable = 2, kUser = 4, kLarge = 0x80;
constexpr uint64_t kNoExecute = uint64_t{1} << 63;
constexpr uint64_t kAddress = 0x000ffffffffff000;

class PageTablesTest : public ::testing::Test {
 protected:
  PageTablesTest() : memory_(GuestMemory::Create(kSize).value()) {
    symbols_.text_begin = abi::kKernelBase + abi::kKernelGpa;
    symbols_.text_end = symbols_.text_begin + 0x3000;
    EXPECT_TRUE(BuildKernelPageTables(memory_, symbols_).ok());
  }
  uint64_t Word(uint64_t gpa) {
    return memory_.Read<uint64_t>(GuestAddress(gpa)).value();
  }
  // The entry that maps `va`, walked as the CPU does; 0 when none is present.
  uint64_t Walk(uint64_t va, uint64_t* top = nullptr) {
    uint64_t table = abi::kBootPageTablesGpa;
    for (int level = 3; level >= 0; --level) {
      uint64_t entry = Word(table + (va >> (12 + 9 * level) & 511) * 8);
      if (level == 3 && top) *top = entry;
      if (!(entry & kPresent)) return 0;
      if (level == 0 || (entry & kLarge)) return entry;
      table = entry & kAddress;
    }
    return 0;
  }

  GuestMemory memory_;
  KernelSymbols symbols_;
};

TEST_F(PageTablesTest, DirectMapCoversMemoryAndNoMore) {
  uint64_t last = kSize - abi::kHugePageSize;
  EXPECT_EQ(Walk(abi::kDirectMapBase + last),
            last | kPresent | kWritable | kUser | kLarge | kNoExecute);
  EXPECT_EQ(Walk(abi::kDirectMapBase + kSize), 0u);
}

TEST_F(PageTablesTest, TextIsExecutableAndNotWritable) {
  EXPECT_EQ(Walk(symbols_.text_begin), abi::kKernelGpa | kPresent | kUser);
  uint64_t data = Walk(symbols_.text_end);
  EXPECT_TRUE(data & kWritable);
  EXPECT_TRUE(data & kNoExecute);
}

TEST_F(PageTablesTest, OnlyTheTopSaysWhoEnters) {
  uint64_t top = 0;
  ASSERT_TRUE(
      SetKernelHalfAccess(memory_, abi::PrivilegeMode::kSupervisor).ok());
  EXPECT_TRUE(Walk(symbols_.text_begin, &top) & kUser);
  EXPECT_FALSE(top & kUser);
  ASSERT_TRUE(
      SetKernelHalfAccess(memory_, abi::PrivilegeMode::kDeprivileged).ok());
  Walk(symbols_.text_begin, &top);
  EXPECT_TRUE(top & kUser);
}

TEST_F(PageTablesTest, AllLinkedRootsAreChanged) {
  constexpr uint64_t kRoots[] = {32 << 20, 40 << 20};
  abi::KernelInfo info = {};
  info.first_root = kRoots[0];
  ASSERT_TRUE(memory_.Write(GuestAddress(abi::kKernelInfoGpa), info).ok());
  ASSERT_TRUE(
      memory_.Write(GuestAddress(kRoots[0] + abi::kRootLinkSlot * 8), kRoots[1])
          .ok());
  for (uint64_t root : kRoots) {
    ASSERT_TRUE(
        memory_.Write(GuestAddress(root + 511 * 8), uint64_t{0x1003}).ok());
  }
  ASSERT_TRUE(
      SetKernelHalfAccess(memory_, abi::PrivilegeMode::kDeprivileged).ok());
  EXPECT_EQ(Word(kRoots[0] + 511 * 8), 0x1007u);
  EXPECT_EQ(Word(kRoots[1] + 511 * 8), 0x1007u);
  // The link is no page-table entry and stays as it is.
  EXPECT_EQ(Word(kRoots[0] + abi::kRootLinkSlot * 8), kRoots[1]);
}

TEST_F(PageTablesTest, AHostileListIsAnError) {
  abi::KernelInfo info = {};
  info.first_root = 32 << 20;  // a ring
  ASSERT_TRUE(memory_.Write(GuestAddress(abi::kKernelInfoGpa), info).ok());
  ASSERT_TRUE(memory_
                  .Write(GuestAddress(info.first_root + abi::kRootLinkSlot * 8),
                         info.first_root)
                  .ok());
  EXPECT_FALSE(
      SetKernelHalfAccess(memory_, abi::PrivilegeMode::kSupervisor).ok());
  info.first_root = kSize;  // outside
  ASSERT_TRUE(memory_.Write(GuestAddress(abi::kKernelInfoGpa), info).ok());
  EXPECT_FALSE(
      SetKernelHalfAccess(memory_, abi::PrivilegeMode::kSupervisor).ok());
}

}  // namespace
}  // namespace crvm
