// SPDX-License-Identifier: Apache-2.0
//
// PageCache by itself and under mappings: reading in, read-ahead, dirty pages,
// truncation, shrinking; shared memory.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "guestkernel/abi/layout.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/fs/user_io.h"
#include "guestkernel/mm/advice.h"
#include "guestkernel/mm/testing/fake_memory.h"

namespace gk {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kBase = 0x40000000;
constexpr uint32_t kRw = kVmaRead | kVmaWrite;

// A file in host memory that counts requests.
class FakeFile final : public PageCache::Backing {
 public:
  explicit FakeFile(size_t size) : data(size) {
    for (size_t i = 0; i < size; ++i) data[i] = At(i);
  }
  static uint8_t At(size_t i) { return i / kPage * 31 + i % 251; }

  int ReadPages(uint64_t first, size_t count, FrameNumber* frames) override {
    ++reads;
    if (first <= bad_page && bad_page < first + count) return -EIO;
    for (size_t i = 0; i < count; ++i) {
      auto* to = static_cast<uint8_t*>(FrameData(frames[i]));
      memset(to, 0, kPage);
      uint64_t offset = (first + i) * kPage;
      if (offset >= data.size()) continue;
      memcpy(to, &data[offset], std::min(kPage, data.size() - offset));
    }
    return 0;
  }
  int WritePages(uint64_t offset, uint64_t length,
                 const FrameNumber* frames) override {
    ++writes;
    if (fail_writes) return -ENOSPC;
    written += length;
    for (uint64_t i = 0; i < length; ++i) {
      data[offset + i] =
          static_cast<uint8_t*>(FrameData(frames[i / kPage]))[i % kPage];
    }
    return 0;
  }

  std::vector<uint8_t> data;
  int reads = 0, writes = 0;
  uint64_t written = 0, bad_page = ~uint64_t{0};
  bool fail_writes = false;
};

class PageCacheTest : public ::testing::Test {
 protected:
  void Open(size_t pages, size_t extra = 0) {
    file_ = std::make_unique<FakeFile>(pages * kPage + extra);
    cache_ = MakeRef<PageCache>(file_.get());
    cache_->SetSize(file_->data.size());
    space_ = AddressSpace::Create().take();
    space_->Activate();
  }
  uint64_t MapFile(uint64_t pages, uint32_t flags, bool fixed = false) {
    AddressSpace::MapRequest request;
    request.fixed = fixed;
    request.address = kBase;
    request.length = pages * kPage;
    request.flags = flags;
    request.object = cache_;
    return *space_->Map(request);
  }
  std::string ReadAt(uint64_t offset, size_t n, size_t ahead = 0) {
    std::string text(n, '\0');
    UserIo io = UserIo::Kernel(text.data(), n);
    int64_t got = cache_->Read(io, offset, ahead);
    if (got < 0) return "error " + std::to_string(got);
    text.resize(got);
    return text;
  }
  int64_t WriteAt(uint64_t offset, std::string text) {
    UserIo io = UserIo::Kernel(text.data(), text.size());
    return cache_->Write(io, offset);
  }
  bool Matches(const std::string& text, uint64_t offset) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (static_cast<uint8_t>(text[i]) != file_->data[offset + i])
        return false;
    }
    return true;
  }

  FakeMemory memory_;
  std::unique_ptr<FakeFile> file_;
  RefPtr<PageCache> cache_;
  RefPtr<AddressSpace> space_;
};

// ---- reading

TEST_F(PageCacheTest, ReadsAcrossPagesAndStopsAtTheEnd) {
  Open(10, 100);
  std::string text = ReadAt(5000, 20000);
  EXPECT_EQ(text.size(), 20000u);
  EXPECT_TRUE(Matches(text, 5000));
  EXPECT_EQ(ReadAt(10 * kPage, 500).size(), 100u);
  EXPECT_EQ(ReadAt(11 * kPage, 500), "");
  EXPECT_EQ(file_->reads, 1);  // a small file is read at once
}

TEST_F(PageCacheTest, SequentialReadersGetGrowingWindows) {
  Open(2000);
  for (uint64_t i = 0; i < 2000; ++i) {
    ASSERT_TRUE(Matches(ReadAt(i * kPage, kPage), i * kPage)) << i;
  }
  EXPECT_LT(file_->reads, 20);
  EXPECT_EQ(cache_->page_count(), 2000u);
}

TEST_F(PageCacheTest, RandomReadersGetSmallWindows) {
  Open(2000);
  ReadAt(1000 * kPage, kPage);
  EXPECT_LE(cache_->page_count(), 32u);
  EXPECT_EQ(file_->reads, 1);
}

TEST_F(PageCacheTest, ErrorsBeyondThePageWantedDoNotMatter) {
  Open(200);
  file_->bad_page = 20;
  EXPECT_TRUE(Matches(ReadAt(0, kPage), 0));
  EXPECT_EQ(ReadAt(20 * kPage, 10), "error -5");
  EXPECT_TRUE(Matches(ReadAt(19 * kPage, kPage + 10), 19 * kPage));
}

TEST_F(PageCacheTest, SparseIndexes) {
  auto memory = NewSharedMemory(0).take();
  cache_ = memory;
  for (uint64_t page :
       {0ull, 63ull, 64ull, 4095ull, 4096ull, 1ull << 30, (1ull << 40) + 5}) {
    EXPECT_EQ(WriteAt(page * kPage + 3, "hello"), 5) << page;
    EXPECT_EQ(ReadAt(page * kPage + 2, 6), std::string("\0hello", 6)) << page;
  }
  EXPECT_EQ(cache_->page_count(), 7u);
  EXPECT_EQ(cache_->NextPresent(65), 4095u);
  EXPECT_EQ(cache_->NextPresent(4097), 1ull << 30);
  EXPECT_EQ(cache_->NextPresent((1ull << 40) + 6), ~uint64_t{0});
  EXPECT_EQ(cache_->NextAbsent(63), 65u);
  cache_->SetSize(64 * kPage);
  EXPECT_EQ(cache_->page_count(), 2u);
  cache_->SetSize(0);
  EXPECT_EQ(cache_->page_count(), 0u);
}

// ---- memory without a backing

TEST_F(PageCacheTest, HolesReadAsZeroWithoutPages) {
  cache_ = NewSharedMemory(100 * kPage).take();
  EXPECT_EQ(ReadAt(50 * kPage, 10), std::string(10, '\0'));
  EXPECT_EQ(cache_->page_count(), 0u);
  EXPECT_EQ(WriteAt(7 * kPage + 4090, "abcdefghij"), 10);
  EXPECT_EQ(cache_->page_count(), 2u);
  EXPECT_EQ(GetMemoryStatistics().shmem_frames, 2u);
  cache_->Zero(7 * kPage + 4092, 3);
  EXPECT_EQ(ReadAt(7 * kPage + 4090, 6), std::string("ab\0\0\0f", 6));
  cache_->Zero(7 * kPage, kPage);
  EXPECT_EQ(cache_->page_count(), 1u);
  EXPECT_EQ(ReadAt(8 * kPage, 4), "ghij");
}

TEST_F(PageCacheTest, TruncationZeroesTheTail) {
  cache_ = NewSharedMemory(0).take();
  WriteAt(0, std::string(5000, 'x'));
  cache_->SetSize(4500);
  cache_->SetSize(9000);
  std::string text = ReadAt(0, 9000);
  EXPECT_EQ(text.size(), 9000u);
  EXPECT_EQ(text.substr(4499, 3), std::string("x\0\0", 3));
  EXPECT_EQ(text.find('x', 4500), std::string::npos);
}

// ---- mappings

TEST_F(PageCacheTest, PrivateMappingsReadTheCacheAndWriteCopies) {
  Open(40);
  uint64_t at = MapFile(40, kRw);
  EXPECT_EQ(Peek(*space_, at + 5 * kPage + 1), FakeFile::At(5 * kPage + 1));
  EXPECT_EQ(UserByte(*space_, at + 5 * kPage, true), nullptr);
  EXPECT_TRUE(Poke(*space_, at + 5 * kPage + 1, 0xee));
  EXPECT_EQ(Peek(*space_, at + 5 * kPage), FakeFile::At(5 * kPage));
  EXPECT_EQ(static_cast<uint8_t>(ReadAt(5 * kPage + 1, 1)[0]),
            FakeFile::At(5 * kPage + 1));
  EXPECT_EQ(cache_->dirty_count(), 0u);
}

// What is mapped in a fixed place is taken for a program's data.
TEST_F(PageCacheTest, ReadingADataSegmentCopiesIt) {
  Open(100);
  uint64_t at = MapFile(100, kRw, /*fixed=*/true);
  EXPECT_EQ(Peek(*space_, at + 55 * kPage + 1), FakeFile::At(55 * kPage + 1));
  EXPECT_NE(UserByte(*space_, at + 54 * kPage, true), nullptr);
  EXPECT_TRUE(Poke(*space_, at + 56 * kPage, 0xee));
  EXPECT_EQ(static_cast<uint8_t>(ReadAt(56 * kPage, 1)[0]),
            FakeFile::At(56 * kPage));
}

TEST_F(PageCacheTest, OneFaultMapsAllThatIsCachedAround) {
  Open(200);
  ReadAt(0, 200 * kPage);
  uint64_t at = MapFile(200, kVmaRead | kVmaExec);
  EXPECT_TRUE(Touch(*space_, at + 70 * kPage, false));
  int mapped = 0;
  for (int i = 0; i < 200; ++i) {
    mapped += UserByte(*space_, at + i * kPage, false) != nullptr;
  }
  EXPECT_EQ(mapped, 64);
  EXPECT_EQ(EntryAt(*space_, at + 70 * kPage) & kPteWrite, 0u);
}

TEST_F(PageCacheTest, WritesToPrivateDataCopyTheNeighboursToo) {
  Open(64);
  uint64_t at = MapFile(64, kRw, /*fixed=*/true);
  EXPECT_TRUE(Poke(*space_, at + 17 * kPage, 1));
  int writable = 0;
  for (int i = 0; i < 64; ++i) {
    writable += UserByte(*space_, at + i * kPage, true) != nullptr;
  }
  EXPECT_EQ(writable, 16);
  EXPECT_EQ(Peek(*space_, at + 18 * kPage + 9), FakeFile::At(18 * kPage + 9));
}

TEST_F(PageCacheTest, BeyondTheEndIsABusError) {
  Open(2, 10);
  uint64_t at = MapFile(10, kVmaRead);
  auto fault = [&](uint64_t page) {
    return space_->HandleFault(at + page * kPage, FaultAccess{});
  };
  EXPECT_EQ(fault(2), FaultResult::kHandled);
  EXPECT_EQ(fault(3), FaultResult::kBusError);
  EXPECT_EQ(Peek(*space_, at + 2 * kPage + 10), 0);
  file_->bad_page = 0;
  cache_->Invalidate(true);
  EXPECT_EQ(fault(0), FaultResult::kBusError);
}

TEST_F(PageCacheTest, SharedWritesAreSeenPageByPage) {
  Open(20, 50);
  int faults = 0;
  auto poke = [&](uint64_t address, uint8_t value) {
    faults += UserByte(*space_, address, true) == nullptr;
    return Poke(*space_, address, value);
  };
  uint64_t at = MapFile(21, kRw | kVmaShared | kVmaMayWrite);
  EXPECT_EQ(Peek(*space_, at), FakeFile::At(0));
  EXPECT_EQ(UserByte(*space_, at, true), nullptr);
  EXPECT_TRUE(poke(at + 3 * kPage, 1));
  EXPECT_TRUE(poke(at + 4 * kPage, 2));
  EXPECT_TRUE(poke(at + 20 * kPage + 5, 3));
  EXPECT_EQ(faults, 1);  // the processor's dirty bit tells the rest
  EXPECT_EQ(static_cast<uint8_t>(ReadAt(3 * kPage, 1)[0]), 1);  // coherent
  EXPECT_EQ(cache_->Sync(0, ~uint64_t{0}), 0);
  EXPECT_EQ(file_->writes, 2);
  EXPECT_EQ(file_->written, 2 * kPage + 50);
  EXPECT_EQ(file_->data[4 * kPage], 2);
  EXPECT_EQ(file_->data[20 * kPage + 5], 3);
  EXPECT_EQ(cache_->dirty_count(), 0u);
  // The next write is seen again.
  EXPECT_EQ(UserByte(*space_, at + 3 * kPage, true), nullptr);
  EXPECT_TRUE(poke(at + 3 * kPage, 9));
  EXPECT_EQ(cache_->dirty_count(), 1u);
  file_->fail_writes = true;
  EXPECT_EQ(cache_->Sync(3, 1), -ENOSPC);
  EXPECT_EQ(cache_->dirty_count(), 1u);
  file_->fail_writes = false;
  EXPECT_EQ(cache_->Sync(4, 100), 0);
  EXPECT_EQ(cache_->dirty_count(), 1u);
  EXPECT_EQ(cache_->Sync(0, 4), 0);
  EXPECT_EQ(cache_->dirty_count(), 0u);
}

TEST_F(PageCacheTest, WhatWasWrittenIsKnownHoweverTheMappingGoes) {
  Open(20);
  uint64_t at = 0;
  auto map_and_write = [&](int page) {
    at = MapFile(20, kRw | kVmaShared | kVmaMayWrite, /*fixed=*/true);
    Poke(*space_, at + 10 * kPage, 1);
    Poke(*space_, at + page * kPage, 100 + page);
  };
  auto written = [&](int page) {
    EXPECT_EQ(cache_->dirty_count(), 2u) << page;
    EXPECT_EQ(cache_->Sync(0, ~uint64_t{0}), 0);
    EXPECT_EQ(cache_->dirty_count(), 0u) << page;
    EXPECT_EQ(file_->data[page * kPage], 100 + page);
  };
  map_and_write(1);
  space_->Unmap(at, 20 * kPage);
  written(1);
  map_and_write(2);
  space_->Advise(at, 20 * kPage, kAdviseDontNeed);
  written(2);
  map_and_write(3);
  space_->Protect(at, 20 * kPage, kVmaRead);
  written(3);
  map_and_write(4);
  cache_->Invalidate(true);
  written(4);
  map_and_write(5);
  RefPtr<AddressSpace> child = space_->Fork().take();
  space_->Unmap(at, 20 * kPage);
  EXPECT_EQ(cache_->Sync(0, ~uint64_t{0}), 0);
  EXPECT_EQ(file_->data[5 * kPage], 105);
  Poke(*child, at + 10 * kPage, 1);
  Poke(*child, at + 6 * kPage, 106);
  child->Unmap(at, 20 * kPage);
  written(6);
  map_and_write(7);
  ASSERT_TRUE(
      space_->Remap(at, 20 * kPage, 20 * kPage, 3, at + (1 << 30)).ok());
  cache_->CollectDirty(0, 20);
  written(7);
  // An untouched neighbour never was dirty.
  EXPECT_EQ(file_->data[11 * kPage], FakeFile::At(11 * kPage));
}

TEST_F(PageCacheTest, TruncationTakesPagesFromMappingsCopiesToo) {
  Open(40);
  uint64_t at = MapFile(40, kRw);
  Poke(*space_, at + 38 * kPage, 1);
  Touch(*space_, at, false);
  uint64_t flushes = hosted::TlbFlushes();
  cache_->SetSize(2 * kPage + 100);
  EXPECT_GT(hosted::TlbFlushes(), flushes);
  EXPECT_EQ(EntryAt(*space_, at + 38 * kPage), 0u);
  EXPECT_EQ(EntryAt(*space_, at + 5 * kPage), 0u);
  EXPECT_FALSE(Touch(*space_, at + 3 * kPage, false));
  EXPECT_EQ(Peek(*space_, at + 2 * kPage + 99), FakeFile::At(2 * kPage + 99));
  EXPECT_EQ(Peek(*space_, at + 2 * kPage + 100), 0);
  cache_->SetSize(40 * kPage);
  EXPECT_EQ(cache_->page_count(), 3u);
}

TEST_F(PageCacheTest, InvalidateKeepsDirtyPagesAndPrivateCopies) {
  Open(10);
  uint64_t shared = MapFile(10, kRw | kVmaShared | kVmaMayWrite);
  uint64_t copy = MapFile(10, kRw);
  Poke(*space_, shared + kPage, 1);
  Poke(*space_, copy + 2 * kPage, 2);
  for (int i = 0; i < 10; ++i) Touch(*space_, copy + i * kPage, false);
  file_->data[9 * kPage] = 0x77;
  cache_->Invalidate(false);  // everything is mapped
  EXPECT_EQ(cache_->page_count(), 10u);
  cache_->Invalidate(true);
  EXPECT_EQ(cache_->page_count(), 1u);
  EXPECT_EQ(Peek(*space_, shared + kPage), 1);
  EXPECT_EQ(Peek(*space_, copy + 2 * kPage), 2);
  EXPECT_EQ(Peek(*space_, shared + 9 * kPage), 0x77);
}

TEST_F(PageCacheTest, SharedMemoryIsWritableAtOnceAndKeptAcrossFork) {
  Open(1);
  cache_ = NewSharedMemory(64 * kPage).take();
  uint64_t at = MapFile(64, kRw | kVmaShared | kVmaMayWrite);
  EXPECT_EQ(Peek(*space_, at + 3 * kPage), 0);
  EXPECT_NE(UserByte(*space_, at + 3 * kPage, true), nullptr);
  RefPtr<AddressSpace> child = space_->Fork().take();
  EXPECT_TRUE(Poke(*child, at + 3 * kPage, 5));
  EXPECT_EQ(Peek(*space_, at + 3 * kPage), 5);
  EXPECT_TRUE(Poke(*space_, at + 60 * kPage, 6));
  EXPECT_EQ(Peek(*child, at + 60 * kPage), 6);
  AddressSpace::PageKey a = *space_->FutexKey(at + 60 * kPage + 4);
  AddressSpace::PageKey b = *child->FutexKey(at + 60 * kPage + 4);
  EXPECT_EQ(a.owner, b.owner);
  EXPECT_EQ(a.offset, b.offset);
  // MADV_DONTNEED leaves the object's pages alone, MADV_REMOVE does not.
  EXPECT_EQ(space_->Advise(at, 64 * kPage, kAdviseDontNeed), 0);
  EXPECT_EQ(Peek(*space_, at + 60 * kPage), 6);
  EXPECT_EQ(space_->Advise(at + 60 * kPage, kPage, kAdviseRemove), 0);
  EXPECT_EQ(Peek(*child, at + 60 * kPage), 0);
}

TEST_F(PageCacheTest, SharedMemoryComesSixteenPagesAtATime) {
  Open(1);
  cache_ = NewSharedMemory(20 * kPage).take();
  uint64_t at = MapFile(30, kRw | kVmaShared | kVmaMayWrite);
  EXPECT_TRUE(Poke(*space_, at + 3 * kPage, 1));
  EXPECT_EQ(cache_->page_count(), 16u);
  EXPECT_NE(UserByte(*space_, at + 15 * kPage, true), nullptr);
  EXPECT_TRUE(Poke(*space_, at + 19 * kPage, 1));
  EXPECT_EQ(cache_->page_count(), 20u);
  EXPECT_FALSE(Poke(*space_, at + 20 * kPage, 1));
}

TEST_F(PageCacheTest, MapFixedOfCachedPagesIsFilledAtOnce) {
  Open(600);
  ReadAt(0, 600 * kPage);
  AddressSpace::MapRequest request;
  request.address = kBase + 3 * kPage;
  request.length = 590 * kPage;
  request.flags = kVmaRead | kVmaExec;
  request.fixed = true;
  request.object = cache_;
  request.object_page = 5;
  ASSERT_TRUE(space_->Map(request).ok());
  EXPECT_GE(space_->resident_pages(), 509u);
  auto* byte = UserByte(*space_, kBase + 100 * kPage + 9, false);
  ASSERT_NE(byte, nullptr);
  EXPECT_EQ(*byte, FakeFile::At(102 * kPage + 9));
  // Nothing is read in for it.
  cache_->Invalidate(true);
  int reads = file_->reads;
  request.address += 1000 * kPage;
  ASSERT_TRUE(space_->Map(request).ok());
  EXPECT_EQ(file_->reads, reads);
}

// ---- memory pressure

TEST_F(PageCacheTest, CleanPagesMakeRoomForAnonymousMemory) {
  Open(30000);
  uint64_t at = MapFile(20000, kVmaRead);
  for (uint64_t page = 0; page < 30000; page += 100) {
    ASSERT_TRUE(Matches(ReadAt(page * kPage, 100 * kPage), page * kPage));
    if (page < 20000) {
      ASSERT_TRUE(Touch(*space_, at + page * kPage, false));
    }
  }
  AddressSpace::MapRequest request;
  request.length = 200 << 20;
  request.flags = kRw;
  uint64_t anonymous = *space_->Map(request);
  for (uint64_t i = 0; i < request.length; i += kPage) {
    ASSERT_TRUE(Poke(*space_, anonymous + i, 1)) << i;
  }
  EXPECT_LT(cache_->page_count(), 15000u);
  EXPECT_EQ(Peek(*space_, at + 7 * kPage), FakeFile::At(7 * kPage));
}

}  // namespace
}  // namespace gk
