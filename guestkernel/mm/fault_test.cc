// SPDX-License-Identifier: Apache-2.0
//
// The page-fault path and what it leaves in the page tables: anonymous memory,
// huge pages, stacks, protection, fork and copy-on-write, TLB flushes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "guestkernel/abi/layout.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/mm/advice.h"
#include "guestkernel/mm/testing/fake_memory.h"

namespace gk {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kBase = 0x40000000;  // 2 MiB aligned
constexpr uint32_t kRw = kVmaRead | kVmaWrite;
constexpr Pte kP = 1, kW = 2, kU = 4, kA = 0x20, kD = 0x40;
constexpr Pte kNx = uint64_t{1} << 63;
constexpr Pte kRights = kP | kW | kU | kNx;

class FaultTest : public ::testing::Test {
 protected:
  FaultTest() { Start(256 << 20); }
  void Start(uint64_t memory_size) {
    FakeLimits().clear();
    space_.reset();
    memory_.reset();
    memory_ = std::make_unique<FakeMemory>(memory_size);
    space_ = AddressSpace::Create().take();
    space_->Activate();
  }

  void MapAt(uint64_t address, uint64_t length, uint32_t flags = kRw) {
    AddressSpace::MapRequest request;
    request.address = address;
    request.length = length;
    request.flags = flags;
    request.fixed_noreplace = true;
    ASSERT_EQ(space_->Unmap(address, length), 0);
    ASSERT_TRUE(space_->Map(request).ok());
  }
  FaultResult Fault(uint64_t address, bool write, bool execute = false) {
    return space_->HandleFault(
        address, FaultAccess{.write = write, .execute = execute, .user = true});
  }
  uint64_t FreeFrames() { return GetMemoryStatistics().free_frames; }
  // TLB flushes that `what` does.
  template <typename What>
  uint64_t Flushes(What what) {
    uint64_t before = hosted::TlbFlushes();
    what();
    return hosted::TlbFlushes() - before;
  }
  int MappedPages(const AddressSpace& space, uint64_t start, uint64_t end) {
    int mapped = 0;
    for (uint64_t at = start; at < end; at += kPage) {
      mapped += (EntryAt(space, at) & kP) != 0;
    }
    return mapped;
  }

  std::unique_ptr<FakeMemory> memory_;
  RefPtr<AddressSpace> space_;
};

TEST_F(FaultTest, RootHasTheKernelHalfAndIsInTheListOfRoots) {
  auto* root = static_cast<uint64_t*>(PhysicalToVirtual(space_->root_gpa()));
  for (int i = 0; i < 256; ++i) EXPECT_EQ(root[i], 0u);
  EXPECT_EQ(root[511], uint64_t{511} << 12 | 7);
  RefPtr<AddressSpace> other = AddressSpace::Create().take();
  auto link = [](uint64_t gpa) {
    return static_cast<uint64_t*>(
        PhysicalToVirtual(gpa))[crvm::abi::kRootLinkSlot];
  };
  EXPECT_EQ(GetKernelInfo().first_root, BootRootGpa());
  EXPECT_EQ(link(BootRootGpa()), other->root_gpa());
  EXPECT_EQ(link(other->root_gpa()), space_->root_gpa());
  EXPECT_EQ(link(space_->root_gpa()), 0u);
  other.reset();
  EXPECT_EQ(link(BootRootGpa()), space_->root_gpa());
}

TEST_F(FaultTest, AnonymousPagesAreZeroAndComeSixteenAtATime) {
  MapAt(kBase, 64 * kPage);
  EXPECT_EQ(Fault(kBase + 20 * kPage + 5, true), FaultResult::kHandled);
  for (int i = 0; i < 64; ++i) {
    Pte entry = EntryAt(*space_, kBase + i * kPage);
    if (i < 16 || i >= 32) {
      EXPECT_EQ(entry, 0u);
    } else {
      EXPECT_EQ(entry & kRights, kP | kW | kU | kNx);
      EXPECT_EQ(entry & (kA | kD), kA | kD);
      EXPECT_EQ(Peek(*space_, kBase + i * kPage), 0);
    }
  }
  EXPECT_EQ(space_->resident_pages(), 16u);
}

TEST_F(FaultTest, WindowStaysInsideTheMapping) {
  MapAt(kBase + 3 * kPage, 4 * kPage);
  EXPECT_EQ(Fault(kBase + 4 * kPage, false), FaultResult::kHandled);
  EXPECT_EQ(MappedPages(*space_, kBase, kBase + 32 * kPage), 4);
}

TEST_F(FaultTest, BadAddressesAndAccesses) {
  MapAt(kBase, kPage, kVmaRead);
  MapAt(kBase + kPage, kPage, 0);
  EXPECT_EQ(Fault(kBase - 1, false), FaultResult::kBadAddress);
  EXPECT_EQ(Fault(kBase, true), FaultResult::kBadAccess);
  EXPECT_EQ(Fault(kBase, false, true), FaultResult::kBadAccess);
  EXPECT_EQ(Fault(kBase + kPage, false), FaultResult::kBadAccess);
  EXPECT_EQ(Fault(crvm::abi::kUserEnd, false), FaultResult::kBadAddress);
  EXPECT_EQ(Fault(~uint64_t{0}, false), FaultResult::kBadAddress);
}

TEST_F(FaultTest, ExecutableMappingsHaveNoNx) {
  MapAt(kBase, kPage, kVmaRead | kVmaExec);
  EXPECT_EQ(Fault(kBase, false, true), FaultResult::kHandled);
  EXPECT_EQ(EntryAt(*space_, kBase) & kRights, kP | kU);
}

TEST_F(FaultTest, FillingNeedsNoFlushRemovingNeedsOne) {
  MapAt(kBase, 64 * kPage);
  EXPECT_EQ(Flushes([&] { Fault(kBase, true); }), 0u);
  EXPECT_EQ(Flushes([&] { space_->Unmap(kBase + 32 * kPage, kPage); }), 0u);
  EXPECT_EQ(Flushes([&] { space_->Unmap(kBase, 32 * kPage); }), 1u);
  RefPtr<AddressSpace> other = AddressSpace::Create().take();
  MapAt(kBase, 64 * kPage);
  Fault(kBase, true);
  other->Activate();
  EXPECT_EQ(Flushes([&] { space_->Unmap(kBase, 64 * kPage); }), 0u);
}

TEST_F(FaultTest, WalkingProgramsGetLargerWindows) {
  MapAt(kBase + kPage, 500 * kPage);
  int faults = 0;
  for (int i = 1; i <= 500; ++i) {
    if (!UserByte(*space_, kBase + i * kPage, true)) ++faults;
    ASSERT_TRUE(Poke(*space_, kBase + i * kPage, i));
  }
  EXPECT_LE(faults, 10);
  for (int i = 1; i <= 500; ++i) {
    ASSERT_EQ(Peek(*space_, kBase + i * kPage), i & 255);
  }
}

TEST_F(FaultTest, MapFixedIsFilledAtOnce) {
  AddressSpace::MapRequest request;
  request.address = kBase;
  request.length = 10 * kPage;
  request.flags = kRw;
  request.fixed = true;
  ASSERT_TRUE(space_->Map(request).ok());
  EXPECT_EQ(MappedPages(*space_, kBase, kBase + 10 * kPage), 10);
  request.flags = 0;
  ASSERT_TRUE(space_->Map(request).ok());
  EXPECT_EQ(space_->resident_pages(), 0u);
}

// ---- huge pages

TEST_F(FaultTest, TwoMegabytesAtOnceWhereAMappingCoversThem) {
  MapAt(kBase + kPage, 3 * kHugeSize);
  EXPECT_EQ(Fault(kBase + kHugeSize + 12345, true), FaultResult::kHandled);
  EXPECT_TRUE(IsHugeAt(*space_, kBase + kHugeSize));
  EXPECT_EQ(EntryAt(*space_, kBase + kHugeSize) & kRights, kP | kW | kU | kNx);
  EXPECT_EQ(space_->resident_pages(), 512u);
  // The ends of the mapping do not cover theirs.
  EXPECT_EQ(Fault(kBase + kPage, true), FaultResult::kHandled);
  EXPECT_FALSE(IsHugeAt(*space_, kBase + kPage));
  for (uint64_t at = 0; at < kHugeSize; at += 40000) {
    EXPECT_EQ(Peek(*space_, kBase + kHugeSize + at), 0);
  }
}

TEST_F(FaultTest, NoHugePagesForStacksOrWhereAdvisedAgainst) {
  MapAt(kBase, kHugeSize, kRw | kVmaStack);
  Fault(kBase, true);
  EXPECT_FALSE(IsHugeAt(*space_, kBase));
  MapAt(kBase + 4 * kHugeSize, kHugeSize);
  EXPECT_EQ(space_->Advise(kBase + 4 * kHugeSize, kHugeSize, kAdviseNoHugePage),
            0);
  Fault(kBase + 4 * kHugeSize, true);
  EXPECT_FALSE(IsHugeAt(*space_, kBase + 4 * kHugeSize));
}

TEST_F(FaultTest, UnmappingPartOfAHugePageSplitsIt) {
  MapAt(kBase, kHugeSize);
  Poke(*space_, kBase + 100 * kPage, 1);
  Poke(*space_, kBase + 300 * kPage, 3);
  ASSERT_TRUE(IsHugeAt(*space_, kBase));
  uint64_t before = FreeFrames();
  EXPECT_EQ(space_->Unmap(kBase + 200 * kPage, 50 * kPage), 0);
  EXPECT_FALSE(IsHugeAt(*space_, kBase));
  EXPECT_EQ(FreeFrames(), before + 50 - 1);  // one table was needed
  EXPECT_EQ(EntryAt(*space_, kBase + 220 * kPage), 0u);
  EXPECT_EQ(Peek(*space_, kBase + 100 * kPage), 1);
  EXPECT_EQ(Peek(*space_, kBase + 300 * kPage), 3);
  EXPECT_EQ(space_->resident_pages(), 462u);
}

TEST_F(FaultTest, ProtectingPartOfAHugePageSplitsIt) {
  MapAt(kBase, kHugeSize);
  Poke(*space_, kBase + 7 * kPage, 7);
  EXPECT_EQ(Flushes([&] { space_->Protect(kBase, 8 * kPage, kVmaRead); }), 1u);
  EXPECT_EQ(EntryAt(*space_, kBase + 7 * kPage) & kRights, kP | kU | kNx);
  EXPECT_EQ(EntryAt(*space_, kBase + 8 * kPage) & kRights, kP | kW | kU | kNx);
  EXPECT_EQ(Peek(*space_, kBase + 7 * kPage), 7);
  EXPECT_FALSE(Touch(*space_, kBase + 7 * kPage, true));
}

TEST_F(FaultTest, ProtectingAWholeHugePageKeepsIt) {
  MapAt(kBase, kHugeSize);
  Poke(*space_, kBase, 1);
  EXPECT_EQ(space_->Protect(kBase, kHugeSize, kVmaRead), 0);
  EXPECT_TRUE(IsHugeAt(*space_, kBase));
  EXPECT_FALSE(Touch(*space_, kBase, true));
  EXPECT_EQ(space_->Protect(kBase, kHugeSize, kRw), 0);
  EXPECT_TRUE(Poke(*space_, kBase + 9 * kPage, 2));
  EXPECT_TRUE(IsHugeAt(*space_, kBase));
  EXPECT_EQ(Peek(*space_, kBase), 1);
}

TEST_F(FaultTest, AfterDontNeedAHugePageComesAgain) {
  MapAt(kBase, 2 * kHugeSize);
  Poke(*space_, kBase + 5, 1);
  uint64_t before = FreeFrames();
  EXPECT_EQ(space_->Advise(kBase, kHugeSize, kAdviseDontNeed), 0);
  EXPECT_EQ(FreeFrames(), before + 512);
  EXPECT_EQ(Peek(*space_, kBase + 5), 0);
  EXPECT_TRUE(IsHugeAt(*space_, kBase));
  // Of a part: split, and that part reads as zero.
  Poke(*space_, kBase + 5, 1);
  Poke(*space_, kBase + 5 * kPage, 5);
  EXPECT_EQ(space_->Advise(kBase, kPage, kAdviseDontNeed), 0);
  EXPECT_EQ(Peek(*space_, kBase + 5), 0);
  EXPECT_EQ(Peek(*space_, kBase + 5 * kPage), 5);
}

TEST_F(FaultTest, SmallMemoryGetsSmallPages) {
  Start(16 << 20);
  MapAt(kBase, 6 * kHugeSize);
  uint64_t pages = 0;
  while (Touch(*space_, kBase + pages * kPage, true)) ++pages;
  EXPECT_EQ(Fault(kBase + pages * kPage, true), FaultResult::kOutOfMemory);
  EXPECT_GT(pages, 1500u);
  EXPECT_LT(FreeFrames(), 2u);
  space_.reset();
  EXPECT_GT(FreeFrames(), 1500u);
}

// ---- protection

TEST_F(FaultTest, ProtNoneKeepsContents) {
  MapAt(kBase, 4 * kPage);
  Poke(*space_, kBase + kPage, 77);
  EXPECT_EQ(Flushes([&] { space_->Protect(kBase, 4 * kPage, 0); }), 1u);
  EXPECT_EQ(EntryAt(*space_, kBase + kPage) & kP, 0u);
  EXPECT_EQ(Fault(kBase + kPage, false), FaultResult::kBadAccess);
  EXPECT_EQ(Flushes([&] { space_->Protect(kBase, 4 * kPage, kRw); }), 0u);
  EXPECT_NE(UserByte(*space_, kBase + kPage, true), nullptr);
  EXPECT_EQ(Peek(*space_, kBase + kPage), 77);
  // And gives the frames back when unmapped meanwhile.
  uint64_t before = FreeFrames();
  space_->Protect(kBase, 4 * kPage, 0);
  EXPECT_EQ(space_->Unmap(kBase, 4 * kPage), 0);
  EXPECT_GE(FreeFrames(), before + 4);
  EXPECT_EQ(space_->resident_pages(), 0u);
}

TEST_F(FaultTest, GivingRightsNeedsNoFlush) {
  MapAt(kBase, 4 * kPage, kVmaRead);
  Fault(kBase, false);
  EXPECT_EQ(Flushes([&] { space_->Protect(kBase, 4 * kPage, kRw); }), 0u);
  EXPECT_NE(UserByte(*space_, kBase, true), nullptr);  // nobody else's frame
}

// ---- stacks

TEST_F(FaultTest, StackGrowsDownToItsLimit) {
  uint64_t top = kBase + kHugeSize * 64;
  MapAt(top - kPage, kPage, kRw | kVmaGrowsDown | kVmaStack);
  FakeLimits()[kLimitStack] = 1 << 20;
  EXPECT_TRUE(Poke(*space_, top - 40 * kPage, 1));
  EXPECT_LE(space_->vma(0)->start, top - 40 * kPage);
  EXPECT_TRUE(Poke(*space_, top - (1 << 20), 1));
  EXPECT_EQ(Fault(top - (1 << 20) - 1, true), FaultResult::kBadAddress);
  EXPECT_EQ(space_->vma(0)->start, top - (1 << 20));
  EXPECT_EQ(space_->total_pages(), 256u);
}

TEST_F(FaultTest, StackStopsAGuardGapAboveTheMappingBelow) {
  uint64_t top = kBase + kHugeSize * 64;
  MapAt(top - kPage, kPage, kRw | kVmaGrowsDown);
  MapAt(top - (4 << 20), kPage);
  EXPECT_TRUE(Poke(*space_, top - (2 << 20), 1));
  uint64_t lowest = top - (4 << 20) + kPage + 256 * kPage;
  EXPECT_EQ(Fault(lowest - 1, true), FaultResult::kBadAddress);
  EXPECT_TRUE(Poke(*space_, lowest, 1));
}

// ---- fork

TEST_F(FaultTest, ForkSharesFramesUntilOneSideWrites) {
  MapAt(kBase, 32 * kPage);
  Poke(*space_, kBase, 1);
  Poke(*space_, kBase + kPage, 2);
  RefPtr<AddressSpace> child;
  EXPECT_EQ(Flushes([&] { child = space_->Fork().take(); }), 1u);
  EXPECT_EQ(EntryAt(*space_, kBase) & kW, 0u);
  EXPECT_EQ(EntryAt(*child, kBase), EntryAt(*space_, kBase));
  EXPECT_EQ(child->resident_pages(), space_->resident_pages());
  EXPECT_EQ(child->total_pages(), 32u);
  EXPECT_TRUE(Poke(*child, kBase, 9));
  EXPECT_EQ(Peek(*space_, kBase), 1);
  EXPECT_EQ(Peek(*child, kBase), 9);
  EXPECT_EQ(Peek(*child, kBase + kPage), 2);
  // The parent's write finds its page unshared again: no copy.
  Pte before = EntryAt(*space_, kBase) & ~uint64_t{0xfff};
  EXPECT_TRUE(Poke(*space_, kBase, 5));
  EXPECT_EQ(EntryAt(*space_, kBase) & ~uint64_t{0xfff}, before);
  EXPECT_EQ(Peek(*child, kBase), 9);
}

TEST_F(FaultTest, HotPagesAreCopiedByForkItself) {
  MapAt(kBase, 4 * kPage);
  for (int i = 0; i < 4; ++i) Poke(*space_, kBase + i * kPage, i + 1);
  const uint64_t hot[] = {kBase + kPage + 77, kBase + 90 * kPage};
  RefPtr<AddressSpace> child = space_->Fork(hot, 2).take();
  EXPECT_NE(UserByte(*space_, kBase + kPage, true), nullptr);
  EXPECT_NE(UserByte(*child, kBase + kPage, true), nullptr);
  EXPECT_EQ(UserByte(*space_, kBase, true), nullptr);
  EXPECT_EQ(Peek(*child, kBase + kPage), 2);
  Poke(*child, kBase + kPage, 9);
  EXPECT_EQ(Peek(*space_, kBase + kPage), 2);
  uint64_t before = FreeFrames();
  child.reset();
  EXPECT_GE(FreeFrames(), before + 1);
}

TEST_F(FaultTest, AfterTheChildIsGoneOneFaultMakesAllWritableAgain) {
  MapAt(kBase, 48 * kPage);
  for (int i = 0; i < 48; ++i) Poke(*space_, kBase + i * kPage, i);
  space_->Fork().take().reset();
  EXPECT_EQ(UserByte(*space_, kBase + 40 * kPage, true), nullptr);
  EXPECT_EQ(Fault(kBase, true), FaultResult::kHandled);
  for (int i = 0; i < 48; ++i) {
    ASSERT_NE(UserByte(*space_, kBase + i * kPage, true), nullptr);
    EXPECT_EQ(*UserByte(*space_, kBase + i * kPage, true), i);
  }
}

TEST_F(FaultTest, WalkingThroughSharedPagesCopiesAhead) {
  MapAt(kBase, 64 * kPage);
  for (int i = 0; i < 64; ++i) Poke(*space_, kBase + i * kPage, i);
  RefPtr<AddressSpace> child = space_->Fork().take();
  int faults = 0;
  for (int i = 0; i < 64; ++i) {
    if (!UserByte(*child, kBase + i * kPage, true)) ++faults;
    Poke(*child, kBase + i * kPage, 100);
    EXPECT_EQ(Peek(*space_, kBase + i * kPage), i);
  }
  EXPECT_LE(faults, 6);
}

TEST_F(FaultTest, ForkOfHugePages) {
  MapAt(kBase, 2 * kHugeSize);
  Poke(*space_, kBase + 100 * kPage, 1);
  Poke(*space_, kBase + 101 * kPage, 2);
  uint64_t before = FreeFrames();
  RefPtr<AddressSpace> child = space_->Fork().take();
  EXPECT_TRUE(IsHugeAt(*child, kBase));
  EXPECT_EQ(child->resident_pages(), 512u);
  // A write splits the child's; the parent's stays whole.
  EXPECT_TRUE(Poke(*child, kBase + 100 * kPage, 9));
  EXPECT_FALSE(IsHugeAt(*child, kBase));
  EXPECT_TRUE(IsHugeAt(*space_, kBase));
  EXPECT_EQ(Peek(*space_, kBase + 100 * kPage), 1);
  EXPECT_EQ(Peek(*child, kBase + 101 * kPage), 2);
  child.reset();
  EXPECT_EQ(FreeFrames(), before);
  EXPECT_TRUE(Poke(*space_, kBase + 100 * kPage, 4));
  EXPECT_TRUE(IsHugeAt(*space_, kBase));  // nobody else's: not copied
  space_->Unmap(kBase, 2 * kHugeSize);
  EXPECT_GE(FreeFrames(), before + 512);
}

TEST_F(FaultTest, ParentWritesAHugePageWhileTheChildHasIt) {
  MapAt(kBase, kHugeSize);
  Poke(*space_, kBase, 1);
  RefPtr<AddressSpace> child = space_->Fork().take();
  EXPECT_TRUE(Poke(*space_, kBase, 2));
  EXPECT_TRUE(IsHugeAt(*child, kBase));
  EXPECT_EQ(Peek(*child, kBase), 1);
  space_.reset();
  EXPECT_EQ(Peek(*child, kBase), 1);
  EXPECT_TRUE(Poke(*child, kBase, 3));
  EXPECT_TRUE(Poke(*child, kBase + 300 * kPage, 3));
}

TEST_F(FaultTest, DontForkAndWipeOnFork) {
  MapAt(kBase, 3 * kPage);
  for (int i = 0; i < 3; ++i) Poke(*space_, kBase + i * kPage, 1 + i);
  EXPECT_EQ(space_->Advise(kBase, kPage, kAdviseDontFork), 0);
  EXPECT_EQ(space_->Advise(kBase + kPage, kPage, kAdviseWipeOnFork), 0);
  EXPECT_EQ(space_->vma_count(), 3u);
  RefPtr<AddressSpace> child = space_->Fork().take();
  EXPECT_EQ(Peek(*child, kBase), -1);
  EXPECT_EQ(Peek(*child, kBase + kPage), 0);
  EXPECT_EQ(Peek(*child, kBase + 2 * kPage), 3);
  EXPECT_EQ(Peek(*space_, kBase + kPage), 2);
  EXPECT_EQ(space_->Advise(kBase, kPage, kAdviseDoFork), 0);
  EXPECT_EQ(space_->Advise(kBase + kPage, kPage, kAdviseKeepOnFork), 0);
  EXPECT_EQ(space_->vma_count(), 1u);
}

TEST_F(FaultTest, ForkOfProtNoneMemory) {
  MapAt(kBase, 2 * kPage);
  Poke(*space_, kBase, 6);
  space_->Protect(kBase, 2 * kPage, 0);
  RefPtr<AddressSpace> child = space_->Fork().take();
  EXPECT_EQ(child->Protect(kBase, 2 * kPage, kRw), 0);
  EXPECT_TRUE(Poke(*child, kBase, 7));
  EXPECT_EQ(space_->Protect(kBase, 2 * kPage, kRw), 0);
  EXPECT_EQ(Peek(*space_, kBase), 6);
}

TEST_F(FaultTest, NothingLeaks) {
  space_.reset();
  uint64_t before = FreeFrames();
  {
    RefPtr<AddressSpace> space = AddressSpace::Create().take();
    AddressSpace::MapRequest request;
    request.flags = kRw;
    for (int i = 0; i < 20; ++i) {
      request.length = (1 + i * 37) * kPage;
      uint64_t at = *space->Map(request);
      for (uint64_t p = 0; p < request.length; p += 5 * kPage) {
        ASSERT_TRUE(Poke(*space, at + p, 1));
      }
      if (i % 3 == 0) space->Unmap(at + kPage, request.length / 2 & ~0xfffull);
    }
    RefPtr<AddressSpace> child = space->Fork().take();
    for (size_t i = 0; i < child->vma_count(); ++i) {
      Poke(*child, child->vma(i)->start, 2);
    }
    EXPECT_LT(FreeFrames(), before);
  }
  EXPECT_EQ(FreeFrames(), before);
  EXPECT_EQ(GetMemoryStatistics().page_table_frames, 0u);
}

TEST_F(FaultTest, TablesGoAtOnceWithLargeMappingsLaterWithSmallOnes) {
  uint64_t tables = GetMemoryStatistics().page_table_frames;
  MapAt(kBase + kPage, kHugeSize);
  Touch(*space_, kBase + kPage, true);
  EXPECT_EQ(GetMemoryStatistics().page_table_frames, tables + 3);
  space_->Unmap(kBase + kPage, kHugeSize);
  EXPECT_EQ(GetMemoryStatistics().page_table_frames, tables);
  for (int i = 0; i < 1000; ++i) {
    MapAt(kBase + i * kHugeSize, kPage);
    Touch(*space_, kBase + i * kHugeSize, true);
    space_->Unmap(kBase + i * kHugeSize, kPage);
    EXPECT_LE(GetMemoryStatistics().page_table_frames, tables + 259);
  }
  // One that is left does not keep a huge page away.
  uint64_t last = kBase + 999 * kHugeSize;
  MapAt(last, kHugeSize);
  EXPECT_EQ(Flushes([&] { Touch(*space_, last, true); }), 1u);
  EXPECT_TRUE(IsHugeAt(*space_, last));
}

// ---- access from outside

TEST_F(FaultTest, ReadAndWriteMemoryAcrossPages) {
  MapAt(kBase, 4 * kPage);
  char text[6000], back[6000];
  for (size_t i = 0; i < sizeof(text); ++i) text[i] = i * 7;
  EXPECT_EQ(space_->WriteMemory(kBase + 4000, text, sizeof(text)), 6000);
  EXPECT_EQ(space_->ReadMemory(kBase + 4000, back, sizeof(back)), 6000);
  EXPECT_EQ(memcmp(text, back, sizeof(text)), 0);
  // Up to the end of the mapping.
  EXPECT_EQ(space_->ReadMemory(kBase + 4 * kPage - 10, back, 100), 10);
  EXPECT_EQ(space_->ReadMemory(kBase + 4 * kPage, back, 1), -EFAULT);
}

TEST_F(FaultTest, ADebuggerWritesReadOnlyPagesIntoAPrivateCopy) {
  MapAt(kBase, kPage, kVmaRead | kVmaExec);
  char c = 0x66;
  EXPECT_EQ(space_->WriteMemory(kBase, &c, 1), -EFAULT);
  EXPECT_EQ(space_->WriteMemory(kBase, &c, 1, /*force=*/true), 1);
  EXPECT_EQ(Peek(*space_, kBase), 0x66);
  EXPECT_FALSE(Touch(*space_, kBase, true));
  // Of a huge page, and of memory without any right.
  MapAt(kBase + kHugeSize, kHugeSize);
  Poke(*space_, kBase + kHugeSize, 1);
  space_->Protect(kBase + kHugeSize, kHugeSize, 0);
  EXPECT_EQ(space_->WriteMemory(kBase + kHugeSize + 1, &c, 1, true), 1);
  char back[2];
  EXPECT_EQ(space_->ReadMemory(kBase + kHugeSize, back, 2, true), 2);
  EXPECT_EQ(back[0], 1);
  EXPECT_EQ(back[1], 0x66);
  EXPECT_EQ(space_->ReadMemory(kBase + kHugeSize, back, 2), -EFAULT);
}

TEST_F(FaultTest, WritingASharedPageOfTheActiveSpaceFlushes) {
  MapAt(kBase, kPage);
  Poke(*space_, kBase, 1);
  RefPtr<AddressSpace> child = space_->Fork().take();
  char c = 2;
  // No fault has thrown the old entry out of the TLB.
  EXPECT_EQ(Flushes([&] { space_->WriteMemory(kBase, &c, 1); }), 1u);
  EXPECT_EQ(Flushes([&] { child->WriteMemory(kBase, &c, 1); }), 0u);
}

TEST_F(FaultTest, PopulateAndResidency) {
  MapAt(kBase, 40 * kPage);
  unsigned char present[40];
  EXPECT_EQ(space_->Residency(kBase, present, 40), 0);
  EXPECT_EQ(std::count(present, present + 40, 1), 0);
  EXPECT_EQ(space_->Populate(kBase, 40 * kPage, true), 0);
  EXPECT_EQ(space_->Residency(kBase, present, 40), 0);
  EXPECT_EQ(std::count(present, present + 40, 1), 40);
  EXPECT_EQ(space_->Populate(kBase, 41 * kPage, true), -ENOMEM);
  EXPECT_EQ(space_->Residency(kBase + kPage, present, 40), -ENOMEM);
}

TEST_F(FaultTest, LocksAreCountedAndPopulate) {
  MapAt(kBase, 40 * kPage);
  EXPECT_EQ(space_->Lock(kBase, kBase + 10 * kPage, false), 0);
  EXPECT_EQ(space_->locked_pages(), 10u);
  EXPECT_GE(space_->resident_pages(), 10u);
  EXPECT_EQ(space_->Lock(kBase, kBase + 10 * kPage, false), 0);
  EXPECT_EQ(space_->LockedPagesIn(kBase, kBase + 40 * kPage), 10u);
  EXPECT_EQ(space_->Advise(kBase, kPage, kAdviseDontNeed), -EINVAL);
  EXPECT_EQ(space_->Lock(kBase, kBase + 50 * kPage, true), -ENOMEM);
  space_->UnlockAll();
  EXPECT_EQ(space_->locked_pages(), 0u);
  EXPECT_EQ(space_->vma_count(), 1u);
  space_->LockAll(true, true, false);
  EXPECT_EQ(space_->locked_pages(), 40u);
  MapAt(kBase + 100 * kPage, 2 * kPage);
  EXPECT_EQ(space_->locked_pages(), 42u);
  EXPECT_NE(EntryAt(*space_, kBase + 100 * kPage), 0u);
}

TEST_F(FaultTest, AdviseErrors) {
  MapAt(kBase, 4 * kPage);
  EXPECT_EQ(space_->Advise(kBase, kPage, 7), -EINVAL);
  EXPECT_EQ(space_->Advise(kBase, kPage, 12), -EINVAL);
  EXPECT_EQ(space_->Advise(kBase + 1, kPage, kAdviseDontNeed), -EINVAL);
  EXPECT_EQ(space_->Advise(kBase, 0, kAdviseDontNeed), 0);
  EXPECT_EQ(space_->Advise(kBase, ~uint64_t{0}, kAdviseDontNeed), -EINVAL);
  // Holes: the rest is done all the same.
  Poke(*space_, kBase, 1);
  EXPECT_EQ(space_->Advise(kBase - 4 * kPage, 8 * kPage, kAdviseDontNeed),
            -ENOMEM);
  EXPECT_EQ(Peek(*space_, kBase), 0);
  EXPECT_EQ(space_->Advise(kBase, 4 * kPage, kAdviseRemove), -EINVAL);
}

}  // namespace
}  // namespace gk
