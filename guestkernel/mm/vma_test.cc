// SPDX-License-Identifier: Apache-2.0
//
// The list of VMAs: Map, Unmap, Protect, Remap, SetBrk as a program sees them.
#include <gtest/gtest.h>

#include <string>

#include "guestkernel/abi/layout.h"
#include "guestkernel/mm/testing/fake_memory.h"

namespace gk {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kBase = 0x10000000;
constexpr uint32_t kRw = kVmaRead | kVmaWrite;

class VmaTest : public ::testing::Test {
 protected:
  VmaTest() : space_(AddressSpace::Create().take()) { FakeLimits().clear(); }

  uint64_t MapAt(uint64_t address, uint64_t pages, uint32_t flags = kRw,
                 const char* name = nullptr) {
    AddressSpace::MapRequest request;
    request.address = address;
    request.length = pages * kPage;
    request.flags = flags;
    request.fixed = true;
    request.name = name;
    Result<uint64_t> at = space_->Map(request);
    return at.ok() ? *at : at.error();
  }
  Result<uint64_t> MapAnywhere(uint64_t length, uint32_t flags = kRw,
                               uint64_t hint = 0) {
    AddressSpace::MapRequest request;
    request.address = hint;
    request.length = length;
    request.flags = flags;
    return space_->Map(request);
  }
  // "10-12rw 14-15r": pages relative to kBase.
  std::string Layout() {
    std::string text;
    for (size_t i = 0; i < space_->vma_count(); ++i) {
      const Vma& vma = *space_->vma(i);
      auto page = [](uint64_t at) {
        return std::to_string(static_cast<int64_t>(at - kBase) / 4096);
      };
      if (!text.empty()) text += ' ';
      text += page(vma.start) + "-" + page(vma.end);
      if (vma.flags & kVmaRead) text += 'r';
      if (vma.flags & kVmaWrite) text += 'w';
      if (vma.flags & kVmaExec) text += 'x';
    }
    return text;
  }
  uint64_t Pages() {
    uint64_t pages = 0;
    for (size_t i = 0; i < space_->vma_count(); ++i) {
      pages += space_->vma(i)->pages();
    }
    return pages;
  }

  FakeMemory memory_;
  RefPtr<AddressSpace> space_;
};

TEST_F(VmaTest, AdjacentMappingsOfOneKindMerge) {
  MapAt(kBase, 2);
  MapAt(kBase + 4 * kPage, 2);
  EXPECT_EQ(Layout(), "0-2rw 4-6rw");
  MapAt(kBase + 2 * kPage, 2);
  EXPECT_EQ(Layout(), "0-6rw");
  MapAt(kBase + 6 * kPage, 1, kVmaRead);
  EXPECT_EQ(Layout(), "0-6rw 6-7r");
  MapAt(kBase - kPage, 1);
  EXPECT_EQ(Layout(), "-1-6rw 6-7r");
  EXPECT_EQ(space_->total_pages(), Pages());
}

TEST_F(VmaTest, NamesKeepMappingsApart) {
  static const char kName[] = "[stack]";
  MapAt(kBase, 2);
  MapAt(kBase + 2 * kPage, 2, kRw, kName);
  EXPECT_EQ(space_->vma_count(), 2u);
}

TEST_F(VmaTest, FixedReplacesAndNoReplaceRefuses) {
  MapAt(kBase, 10);
  MapAt(kBase + 3 * kPage, 2, kVmaRead);
  EXPECT_EQ(Layout(), "0-3rw 3-5r 5-10rw");
  AddressSpace::MapRequest request;
  request.address = kBase + 9 * kPage;
  request.length = 2 * kPage;
  request.flags = kRw;
  request.fixed_noreplace = true;
  EXPECT_EQ(space_->Map(request).error(), -EEXIST);
  request.address = kBase + 10 * kPage;
  EXPECT_TRUE(space_->Map(request).ok());
  request.address = kBase + 1;
  EXPECT_EQ(space_->Map(request).error(), -EINVAL);
  request.address = crvm::abi::kUserEnd - kPage;
  EXPECT_EQ(space_->Map(request).error(), -ENOMEM);
}

TEST_F(VmaTest, UnmapSplitsAndRemoves) {
  MapAt(kBase, 10);
  EXPECT_EQ(space_->Unmap(kBase + 4 * kPage, 2 * kPage), 0);
  EXPECT_EQ(Layout(), "0-4rw 6-10rw");
  EXPECT_EQ(space_->Unmap(kBase + 3 * kPage, 4 * kPage), 0);
  EXPECT_EQ(Layout(), "0-3rw 7-10rw");
  EXPECT_EQ(space_->Unmap(kBase + 20 * kPage, kPage), 0);  // nothing there
  EXPECT_EQ(space_->Unmap(kBase, 100 * kPage), 0);
  EXPECT_EQ(Layout(), "");
  EXPECT_EQ(space_->total_pages(), 0u);
  EXPECT_EQ(space_->Unmap(kBase + 1, kPage), -EINVAL);
  EXPECT_EQ(space_->Unmap(kBase, 0), -EINVAL);
  EXPECT_EQ(space_->Unmap(crvm::abi::kUserEnd, kPage), -EINVAL);
}

TEST_F(VmaTest, MmapGoesTopDownAndFillsHoles) {
  uint64_t a = *MapAnywhere(2 * kPage);
  uint64_t b = *MapAnywhere(3 * kPage, kVmaRead);
  uint64_t c = *MapAnywhere(kPage);
  EXPECT_EQ(a + 2 * kPage, space_->mmap_base);
  EXPECT_EQ(b + 3 * kPage, a);
  EXPECT_EQ(c + kPage, b);
  EXPECT_EQ(space_->Unmap(b, 3 * kPage), 0);
  EXPECT_EQ(*MapAnywhere(2 * kPage, kVmaRead), a - 2 * kPage);
  EXPECT_EQ(*MapAnywhere(2 * kPage, kVmaRead), c - 2 * kPage);
}

TEST_F(VmaTest, HintIsTakenWhenFree) {
  EXPECT_EQ(*MapAnywhere(kPage, kRw, kBase + 5), kBase + kPage);
  uint64_t other = *MapAnywhere(kPage, kRw, kBase + kPage);
  EXPECT_NE(other, kBase + kPage);
}

TEST_F(VmaTest, LargeAnonymousMappingsAreAlignedForHugePages) {
  EXPECT_EQ(*MapAnywhere((3 << 20) + kPage) % kHugeSize, 0u);
  EXPECT_NE(*MapAnywhere(kPage) % kHugeSize, 0u);
}

TEST_F(VmaTest, LengthErrors) {
  EXPECT_EQ(MapAnywhere(0).error(), -EINVAL);
  EXPECT_EQ(MapAnywhere(~uint64_t{0}).error(), -ENOMEM);
  EXPECT_EQ(MapAnywhere(uint64_t{1} << 47, kVmaRead).error(), -ENOMEM);
  // More than could ever be backed: refused unless it need not be backed.
  EXPECT_EQ(MapAnywhere(uint64_t{1} << 40).error(), -ENOMEM);
  EXPECT_TRUE(MapAnywhere(uint64_t{1} << 40, kRw | kVmaNoReserve).ok());
  EXPECT_TRUE(MapAnywhere(uint64_t{1} << 40, 0).ok());
}

TEST_F(VmaTest, Map32BitStaysLow) {
  AddressSpace::MapRequest request;
  request.length = kPage;
  request.flags = kRw;
  request.below_4g = true;
  EXPECT_LT(*space_->Map(request), uint64_t{1} << 31);
}

TEST_F(VmaTest, LimitsOfAddressSpaceAndData) {
  FakeLimits()[kLimitAddressSpace] = 10 * kPage;
  EXPECT_TRUE(MapAnywhere(8 * kPage, kVmaRead).ok());
  EXPECT_EQ(MapAnywhere(3 * kPage, kVmaRead).error(), -ENOMEM);
  FakeLimits().clear();
  FakeLimits()[kLimitData] = 4 * kPage;
  EXPECT_TRUE(MapAnywhere(100 * kPage, kVmaRead).ok());
  EXPECT_TRUE(MapAnywhere(4 * kPage).ok());
  EXPECT_EQ(MapAnywhere(kPage).error(), -ENOMEM);
}

TEST_F(VmaTest, ProtectSplitsAndMergesBack) {
  MapAt(kBase, 10);
  EXPECT_EQ(space_->Protect(kBase + 2 * kPage, 3 * kPage, kVmaRead), 0);
  EXPECT_EQ(Layout(), "0-2rw 2-5r 5-10rw");
  EXPECT_EQ(space_->Protect(kBase + 4 * kPage, 3 * kPage, kVmaRead), 0);
  EXPECT_EQ(Layout(), "0-2rw 2-7r 7-10rw");
  EXPECT_EQ(space_->Protect(kBase, 10 * kPage, kRw), 0);
  EXPECT_EQ(Layout(), "0-10rw");
}

TEST_F(VmaTest, ProtectErrors) {
  MapAt(kBase, 4);
  MapAt(kBase + 6 * kPage, 2);
  EXPECT_EQ(space_->Protect(kBase + 1, kPage, kRw), -EINVAL);
  EXPECT_EQ(space_->Protect(kBase, 0, kRw), 0);
  EXPECT_EQ(space_->Protect(kBase, kPage, 0x40), -EINVAL);
  // A hole: what is before it is changed.
  EXPECT_EQ(space_->Protect(kBase, 8 * kPage, kVmaRead), -ENOMEM);
  EXPECT_EQ(Layout(), "0-4r 6-8rw");
  EXPECT_EQ(space_->Protect(kBase + 4 * kPage, kPage, kVmaRead), -ENOMEM);
  // A shared mapping of a file that is open for reading.
  AddressSpace::MapRequest request;
  request.length = kPage;
  request.flags = kVmaRead | kVmaShared;
  request.object = NewSharedMemory(kPage).take();
  uint64_t at = *space_->Map(request);
  EXPECT_EQ(space_->Protect(at, kPage, kRw), -EACCES);
}

TEST_F(VmaTest, BrkGrowsAndShrinksTheHeap) {
  space_->InitBrk(kBase + 100);
  EXPECT_EQ(*space_->SetBrk(0), kBase + 100);
  EXPECT_EQ(*space_->SetBrk(kBase + 200), kBase + 200);
  EXPECT_EQ(Layout(), "");  // the page belongs to the program's data
  EXPECT_EQ(*space_->SetBrk(kBase + 3 * kPage + 1), kBase + 3 * kPage + 1);
  EXPECT_EQ(Layout(), "1-4rw");
  EXPECT_STREQ(space_->vma(0)->name, "[heap]");
  EXPECT_EQ(*space_->SetBrk(kBase + 5 * kPage), kBase + 5 * kPage);
  EXPECT_EQ(Layout(), "1-5rw");
  EXPECT_EQ(*space_->SetBrk(kBase + 2 * kPage), kBase + 2 * kPage);
  EXPECT_EQ(Layout(), "1-2rw");
  MapAt(kBase + 10 * kPage, 1);
  EXPECT_EQ(*space_->SetBrk(kBase + 20 * kPage), kBase + 2 * kPage);
  FakeLimits()[kLimitData] = 4 * kPage;
  EXPECT_EQ(*space_->SetBrk(kBase + 5 * kPage), kBase + 2 * kPage);
}

TEST_F(VmaTest, FindVmaAtBoundaries) {
  MapAt(kBase, 2);
  MapAt(kBase + 4 * kPage, 2);
  EXPECT_EQ(space_->FindVma(kBase - 1), nullptr);
  EXPECT_EQ(space_->FindVma(kBase), space_->vma(0));
  EXPECT_EQ(space_->FindVma(kBase + 2 * kPage - 1), space_->vma(0));
  EXPECT_EQ(space_->FindVma(kBase + 2 * kPage), nullptr);
  EXPECT_EQ(space_->FindVma(kBase + 4 * kPage), space_->vma(1));
}

TEST_F(VmaTest, ObjectMappingsMergeOnlyWhenContiguousInTheObject) {
  RefPtr<PageCache> object = NewSharedMemory(100 * kPage).take();
  auto map = [&](uint64_t page, uint64_t object_page) {
    AddressSpace::MapRequest request;
    request.address = kBase + page * kPage;
    request.length = kPage;
    request.flags = kRw | kVmaShared | kVmaMayWrite;
    request.fixed = true;
    request.object = object;
    request.object_page = object_page;
    ASSERT_TRUE(space_->Map(request).ok());
  };
  map(0, 10);
  map(1, 11);
  EXPECT_EQ(Layout(), "0-2rw");
  map(2, 13);
  EXPECT_EQ(Layout(), "0-2rw 2-3rw");
  map(-1, 9);
  EXPECT_EQ(Layout(), "-1-2rw 2-3rw");
  EXPECT_EQ(space_->vma(0)->object_page, 9u);
  EXPECT_EQ(space_->Unmap(kBase, kPage), 0);
  EXPECT_EQ(Layout(), "-1-0rw 1-2rw 2-3rw");
  EXPECT_EQ(space_->vma(1)->object_page, 11u);
  // The object knows its mappings.
  int mappings = 0;
  for (Vma* v = object->first_mapping; v; v = v->next_mapping) ++mappings;
  EXPECT_EQ(mappings, 3);
  space_.reset();
  EXPECT_EQ(object->first_mapping, nullptr);
  EXPECT_EQ(object->ref_count(), 1u);
}

// ---- mremap

constexpr int kMayMove = 1, kFixed = 2, kDontUnmap = 4;

TEST_F(VmaTest, RemapGrowsInPlaceOrMoves) {
  MapAt(kBase, 4);
  EXPECT_EQ(*space_->Remap(kBase, 4 * kPage, 8 * kPage, 0, 0), kBase);
  EXPECT_EQ(Layout(), "0-8rw");
  EXPECT_EQ(*space_->Remap(kBase, 8 * kPage, 3 * kPage, 0, 0), kBase);
  EXPECT_EQ(Layout(), "0-3rw");
  MapAt(kBase + 4 * kPage, 1, kVmaRead);
  EXPECT_EQ(space_->Remap(kBase, 3 * kPage, 6 * kPage, 0, 0).error(), -ENOMEM);
  ASSERT_TRUE(Poke(*space_, kBase + 2 * kPage + 7, 42));
  uint64_t at = *space_->Remap(kBase, 3 * kPage, 6 * kPage, kMayMove, 0);
  EXPECT_NE(at, kBase);
  EXPECT_EQ(space_->FindVma(kBase), nullptr);
  EXPECT_EQ(Peek(*space_, at + 2 * kPage + 7), 42);
  EXPECT_EQ(Peek(*space_, at + 5 * kPage), 0);
  EXPECT_EQ(EntryAt(*space_, kBase + 2 * kPage), 0u);
}

TEST_F(VmaTest, RemapFixedAndDontUnmap) {
  MapAt(kBase, 4);
  MapAt(kBase + 100 * kPage, 4, kVmaRead);
  Poke(*space_, kBase + kPage, 7);
  uint64_t to = kBase + 101 * kPage;
  EXPECT_EQ(*space_->Remap(kBase, 4 * kPage, 2 * kPage, kMayMove | kFixed, to),
            to);
  EXPECT_EQ(Layout(), "100-101r 101-103rw 103-104r");
  EXPECT_EQ(Peek(*space_, to + kPage), 7);
  Result<uint64_t> copy =
      space_->Remap(to, 2 * kPage, 2 * kPage, kMayMove | kDontUnmap, kBase);
  ASSERT_TRUE(copy.ok());
  EXPECT_EQ(Peek(*space_, *copy + kPage), 7);
  EXPECT_EQ(Peek(*space_, to + kPage), 0);  // empty again, still mapped
}

TEST_F(VmaTest, RemapErrors) {
  MapAt(kBase, 4);
  MapAt(kBase + 4 * kPage, 4, kVmaRead);
  auto error = [&](uint64_t old, uint64_t from, uint64_t to, int flags,
                   uint64_t at = 0) {
    return space_
        ->Remap(kBase + old * kPage, from * kPage, to * kPage, flags, at)
        .error();
  };
  EXPECT_EQ(error(0, 1, 0, 0), -EINVAL);
  EXPECT_EQ(error(0, 1, 1, 8), -EINVAL);
  EXPECT_EQ(error(0, 1, 1, kFixed), -EINVAL);
  EXPECT_EQ(error(20, 1, 1, 0), -EFAULT);
  EXPECT_EQ(error(0, 8, 9, kMayMove), -EFAULT);  // two VMAs
  EXPECT_EQ(error(0, 0, 2, kMayMove), -EINVAL);  // duplicates private memory
  EXPECT_EQ(error(0, 2, 2, kMayMove | kFixed, kBase + kPage), -EINVAL);
  EXPECT_EQ(error(0, 2, 3, kMayMove | kDontUnmap), -EINVAL);
  EXPECT_EQ(space_->Remap(kBase + 1, kPage, kPage, 0, 0).error(), -EINVAL);
}

TEST_F(VmaTest, RemapOfZeroOldSizeDuplicatesASharedMapping) {
  AddressSpace::MapRequest request;
  request.length = 4 * kPage;
  request.flags = kRw | kVmaShared | kVmaMayWrite;
  request.object = NewSharedMemory(4 * kPage).take();
  uint64_t at = *space_->Map(request);
  Poke(*space_, at + kPage, 9);
  uint64_t copy = *space_->Remap(at, 0, 4 * kPage, kMayMove, 0);
  EXPECT_NE(copy, at);
  EXPECT_EQ(Peek(*space_, copy + kPage), 9);
  EXPECT_EQ(Peek(*space_, at + kPage), 9);
}

TEST_F(VmaTest, RemapMovesHugePagesWhole) {
  uint64_t at = *MapAnywhere(8 << 20);
  Poke(*space_, at + (3 << 20), 5);
  ASSERT_TRUE(IsHugeAt(*space_, at + (3 << 20)));
  MapAt(at + (8 << 20), 1, kVmaRead);  // in the way
  uint64_t frames = GetMemoryStatistics().free_frames;
  uint64_t to = *space_->Remap(at, 8 << 20, 16 << 20, kMayMove, 0);
  EXPECT_EQ(to % kHugeSize, at % kHugeSize);
  EXPECT_TRUE(IsHugeAt(*space_, to + (3 << 20)));
  EXPECT_EQ(Peek(*space_, to + (3 << 20)), 5);
  EXPECT_NEAR(GetMemoryStatistics().free_frames, frames, 3);
  // Not congruent: split, not copied.
  uint64_t odd = kBase + kPage;
  EXPECT_EQ(*space_->Remap(to, 16 << 20, 16 << 20, kMayMove | kFixed, odd),
            odd);
  EXPECT_EQ(Peek(*space_, odd + (3 << 20)), 5);
  EXPECT_NEAR(GetMemoryStatistics().free_frames, frames, 5);
}

}  // namespace
}  // namespace gk
