// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/mm/frame_allocator.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace gk {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kFirstFree = 6 * kMiB;

class FrameAllocatorTest : public ::testing::Test {
 protected:
  void Start(uint64_t size) {
    size_ = size;
    memory_ = static_cast<uint8_t*>(
        mmap(nullptr, size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    ASSERT_NE(memory_, MAP_FAILED);
    frames_.Init(memory_, kFirstFree, size, &published_);
  }
  ~FrameAllocatorTest() override {
    if (memory_) munmap(memory_, size_);
  }
  FrameNumber One(FrameUse use = FrameUse::kData) {
    return frames_.Allocate(use, FrameZeroing::kUndefined);
  }
  bool Bit(uint64_t frame) {
    return memory_[frames_.bitmap_gpa() + frame / 8] >> frame % 8 & 1;
  }
  bool IsZero(FrameNumber frame) {
    static const char zeros[4096] = {};
    return memcmp(memory_ + frame.gpa(), zeros, 4096) == 0;
  }

  uint64_t size_ = 0, published_ = 0;
  uint8_t* memory_ = nullptr;
  FrameAllocator frames_;
};

TEST_F(FrameAllocatorTest, GivesTheLowestFrameFirst) {
  Start(64 * kMiB);
  FrameNumber a = One(), b = One(), c = One();
  EXPECT_EQ(a.value, frames_.first_frame());
  EXPECT_EQ(b.value, a.value + 1);
  EXPECT_EQ(c.value, a.value + 2);
  frames_.Free(b);
  EXPECT_EQ(One().value, b.value);
  EXPECT_EQ(One().value, c.value + 1);
}

TEST_F(FrameAllocatorTest, GivesEveryFrameOnceAndThenNone) {
  Start(16 * kMiB + 3 * 4096);
  uint64_t free = frames_.free_frames();
  std::set<uint64_t> seen;
  for (FrameNumber f = One(); !f.is_null(); f = One()) {
    EXPECT_TRUE(seen.insert(f.value).second);
    EXPECT_LT(f.value, frames_.total_frames());
  }
  EXPECT_EQ(seen.size(), free);
  EXPECT_EQ(frames_.free_frames(), 0u);
  EXPECT_TRUE(frames_.AllocateRun(9, FrameZeroing::kUndefined).is_null());
  for (uint64_t f : seen) frames_.Free(FrameNumber(f));
  EXPECT_EQ(frames_.free_frames(), free);
  EXPECT_FALSE(frames_.AllocateRun(9, FrameZeroing::kUndefined).is_null());
}

TEST_F(FrameAllocatorTest, BitmapAndWatermarkTellTheVmmWhatIsInUse) {
  Start(64 * kMiB);
  for (uint64_t f = 0; f < kFirstFree / 4096; ++f) EXPECT_TRUE(Bit(f)) << f;
  EXPECT_TRUE(Bit(frames_.bitmap_gpa() / 4096));
  EXPECT_EQ(published_, frames_.first_frame());
  FrameNumber run = frames_.AllocateRun(9, FrameZeroing::kUndefined);
  EXPECT_EQ(published_, run.value + 512);
  EXPECT_TRUE(Bit(run.value));
  EXPECT_TRUE(Bit(run.value + 511));
  EXPECT_FALSE(Bit(run.value + 512));
  frames_.FreeRun(run, 9);
  EXPECT_FALSE(Bit(run.value));
  EXPECT_EQ(published_, run.value + 512);
}

// The tables of a big VM are saved only as far as they were touched.
TEST_F(FrameAllocatorTest, BigMemoryBootsWithFewTableFramesInUse) {
  Start(uint64_t{64} << 30);
  auto used = [&] {
    uint64_t n = 0;
    for (uint64_t f = 0; f < frames_.first_frame(); ++f) n += Bit(f);
    return n;
  };
  EXPECT_LT(used(), kFirstFree / 4096 + 100);
  // Every touched page of the tables is marked.
  FrameNumber high;
  for (int i = 0; i < 200; ++i) {
    high = frames_.AllocateRun(9, FrameZeroing::kUndefined);
  }
  std::vector<unsigned char> resident(size_ / 4096);
  ASSERT_EQ(mincore(memory_, size_, resident.data()), 0);
  for (uint64_t f = 0; f < frames_.first_frame(); ++f) {
    if (resident[f]) {
      EXPECT_TRUE(Bit(f)) << f;
    }
  }
}

TEST_F(FrameAllocatorTest, RunsAreAlignedAndDisjoint) {
  Start(128 * kMiB);
  std::set<uint64_t> taken;
  for (unsigned order : {1, 3, 5, 6, 7, 8, 9, 10, 3, 2, 1, 9, 4}) {
    FrameNumber first = frames_.AllocateRun(order, FrameZeroing::kUndefined);
    ASSERT_FALSE(first.is_null()) << order;
    EXPECT_EQ(first.value % (1 << order), 0u);
    for (uint64_t i = 0; i < (1u << order); ++i) {
      EXPECT_TRUE(taken.insert(first.value + i).second);
    }
  }
}

TEST_F(FrameAllocatorTest, ZeroesOnlyWhatWasUsed) {
  Start(64 * kMiB);
  FrameNumber fresh = frames_.Allocate(FrameUse::kData, FrameZeroing::kZeroed);
  EXPECT_TRUE(IsZero(fresh));
  memory_[fresh.gpa() + 17] = 1;
  frames_.Free(fresh);
  FrameNumber again = frames_.Allocate(FrameUse::kData, FrameZeroing::kZeroed);
  EXPECT_EQ(again.value, fresh.value);
  EXPECT_TRUE(IsZero(again));
  // A never-used frame is not touched: the host need not back it.
  FrameNumber huge = frames_.AllocateRun(9, FrameZeroing::kZeroed);
  unsigned char resident = 1;
  ASSERT_EQ(mincore(memory_ + huge.gpa(), 4096, &resident), 0);
  EXPECT_EQ(resident, 0);
  memset(memory_ + huge.gpa(), 1, 512 * 4096);
  frames_.FreeRun(huge, 9);
  EXPECT_EQ(frames_.AllocateRun(9, FrameZeroing::kZeroed).value, huge.value);
  for (int i = 0; i < 512; ++i) {
    EXPECT_TRUE(IsZero(FrameNumber(huge.value + i)));
  }
}

TEST_F(FrameAllocatorTest, PageTablesHaveBlocksOfTheirOwnUntilMemoryIsShort) {
  Start(64 * kMiB);
  FrameNumber table = One(FrameUse::kPageTable);
  uint64_t block = table.value / 512;
  std::set<uint64_t> seen = {table.value};
  uint64_t free = frames_.free_frames();
  uint64_t elsewhere = 0;
  for (FrameNumber f = One(); !f.is_null(); f = One()) {
    if (elsewhere < free - 511) {
      EXPECT_NE(f.value / 512, block);
    }
    EXPECT_TRUE(seen.insert(f.value).second);
    ++elsewhere;
  }
  EXPECT_EQ(elsewhere, free);  // the rest of the block was given in the end
  EXPECT_TRUE(One(FrameUse::kPageTable).is_null());
  frames_.Free(table);
  EXPECT_EQ(One(FrameUse::kPageTable).value, table.value);
}

// Random use against a model.
TEST_F(FrameAllocatorTest, RandomUse) {
  Start(48 * kMiB);
  std::mt19937 random(1);
  std::map<uint64_t, unsigned> runs;  // first -> order
  std::vector<bool> used(frames_.total_frames());
  uint64_t free = frames_.free_frames();
  for (int step = 0; step < 50000; ++step) {
    bool release =
        runs.size() > 10 && random() % 100 < (step / 5000 % 2 ? 60 : 40);
    if (release) {
      auto it = runs.lower_bound(random() % used.size());
      if (it == runs.end()) it = runs.begin();
      for (uint64_t i = 0; i < (1u << it->second); ++i) {
        used[it->first + i] = false;
      }
      free += 1u << it->second;
      frames_.FreeRun(FrameNumber(it->first), it->second);
      runs.erase(it);
    } else {
      unsigned order = random() % 4 ? 0 : random() % 11;
      FrameUse use = random() % 8 ? FrameUse::kData : FrameUse::kPageTable;
      FrameNumber f =
          order == 0 ? One(use)
                     : frames_.AllocateRun(order, FrameZeroing::kUndefined);
      if (f.is_null()) {
        if (order == 0) {
          EXPECT_EQ(free, 0u);
        }
        continue;
      }
      for (uint64_t i = 0; i < (1u << order); ++i) {
        ASSERT_FALSE(used[f.value + i]);
        used[f.value + i] = true;
      }
      free -= 1u << order;
      runs[f.value] = order;
    }
    ASSERT_EQ(frames_.free_frames(), free);
  }
  for (auto [first, order] : runs) frames_.FreeRun(FrameNumber(first), order);
  for (uint64_t f = frames_.first_frame(); f < frames_.total_frames(); ++f) {
    EXPECT_FALSE(Bit(f));
  }
}

}  // namespace
}  // namespace gk
