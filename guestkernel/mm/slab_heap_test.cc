// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/mm/slab_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "guestkernel/mm/testing/fake_memory.h"

namespace gk {
namespace {

class SlabHeapTest : public ::testing::Test {
 protected:
  FakeMemory memory_;
  SlabHeap heap_;
};

TEST_F(SlabHeapTest, BlocksAreAlignedAndLargeEnough) {
  for (size_t size : {1, 15, 16, 17, 100, 640, 2047, 2048, 2049, 4096, 5000,
                      100000, 3000000}) {
    void* block = heap_.Allocate(size);
    ASSERT_NE(block, nullptr) << size;
    EXPECT_EQ(reinterpret_cast<uint64_t>(block) % 16, 0u);
    if (size >= 4096) {
      EXPECT_EQ(reinterpret_cast<uint64_t>(block) % 4096, 0u);
    }
    EXPECT_GE(SlabHeap::CapacityOf(block), size);
    memset(block, 0xa5, size);
  }
}

TEST_F(SlabHeapTest, PowersOfTwoFrom64AreAlignedToCacheLines) {
  for (size_t size : {64, 128, 256, 512, 1024, 2048}) {
    for (int i = 0; i < 20; ++i) {
      auto block = reinterpret_cast<uint64_t>(heap_.Allocate(size));
      EXPECT_EQ(block % 64, 0u);
    }
  }
}

TEST_F(SlabHeapTest, LargeBlocksGiveTheExcessOfThePowerOfTwoBack) {
  uint64_t before = GetMemoryStatistics().free_frames;
  void* block = heap_.Allocate(5 * 4096);
  EXPECT_EQ(before - GetMemoryStatistics().free_frames, 5u);
  heap_.Free(block);
  EXPECT_EQ(GetMemoryStatistics().free_frames, before);
}

TEST_F(SlabHeapTest, EmptySlabsGoBackExceptOneOfEachSize) {
  uint64_t before = GetMemoryStatistics().free_frames;
  std::vector<void*> blocks;
  for (int i = 0; i < 10000; ++i) blocks.push_back(heap_.Allocate(48));
  EXPECT_GT(GetMemoryStatistics().heap_frames, 100u);
  for (void* block : blocks) heap_.Free(block);
  EXPECT_EQ(before - GetMemoryStatistics().free_frames, 1u);
  EXPECT_EQ(GetMemoryStatistics().heap_frames, 1u);
}

TEST_F(SlabHeapTest, OutOfMemoryIsNull) {
  EXPECT_EQ(heap_.Allocate(uint64_t{1} << 40), nullptr);
  EXPECT_EQ(heap_.Allocate(memory_.size()), nullptr);
  heap_.Free(nullptr);
}

TEST_F(SlabHeapTest, RandomUseKeepsContents) {
  std::mt19937 random(2);
  struct Block {
    size_t size;
    uint8_t mark;
  };
  std::map<char*, Block> blocks;
  uint64_t before = GetMemoryStatistics().free_frames;
  auto check = [](char* at, const Block& block) {
    for (size_t i = 0; i < block.size; ++i) {
      ASSERT_EQ(static_cast<uint8_t>(at[i]), block.mark);
    }
  };
  for (int step = 0; step < 30000; ++step) {
    if (blocks.size() > 50 && random() % 2) {
      auto it = std::next(blocks.begin(), random() % 50);
      check(it->first, it->second);
      heap_.Free(it->first);
      blocks.erase(it);
    } else {
      size_t size = 1 + random() % (random() % 20 ? 700 : 20000);
      auto* at = static_cast<char*>(heap_.Allocate(size));
      ASSERT_NE(at, nullptr);
      Block block{size, static_cast<uint8_t>(random())};
      memset(at, block.mark, size);
      ASSERT_TRUE(blocks.emplace(at, block).second);
    }
  }
  for (auto& [at, block] : blocks) {
    check(at, block);
    heap_.Free(at);
  }
  EXPECT_LE(before - GetMemoryStatistics().free_frames, 15u * 8);
}

}  // namespace
}  // namespace gk
