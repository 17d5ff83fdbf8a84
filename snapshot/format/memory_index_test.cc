// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/memory_index.h"

#include "gtest/gtest.h"
#include "snapshot/format/limits.h"

namespace crvm {
namespace {

constexpr uint64_t kMemory = 10 * kChunkSize + 3 * kPageSize;
constexpr uint64_t kFile = 100000;

std::vector<ChunkEntry> SampleChunks() {
  return {
      {.gpa = 0,
       .offset = 0,
       .checksum = 1,
       .stored_length = 2 * kPageSize,
       .page_mask = 0x8001,
       .encoding = ChunkEncoding::kPlain},
      {.gpa = 3 * kChunkSize,
       .offset = 99000,
       .checksum = 2,
       .stored_length = 1000,
       .page_mask = 0xffff,
       .encoding = ChunkEncoding::kLz4},
      {.gpa = 10 * kChunkSize,
       .offset = 5,
       .checksum = 3,
       .stored_length = 7,
       .page_mask = 0x7,
       .encoding = ChunkEncoding::kLz4},
  };
}

std::string Message(const std::vector<ChunkEntry>& chunks) {
  return std::string(
      DecodeMemoryIndex(EncodeMemoryIndex(chunks), kMemory, kFile)
          .status()
          .message());
}

TEST(MemoryIndexTest, RoundTrip) {
  const auto decoded =
      DecodeMemoryIndex(EncodeMemoryIndex(SampleChunks()), kMemory, kFile);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, SampleChunks());
  EXPECT_EQ(SampleChunks()[0].plain_length(), 2 * kPageSize);
}

TEST(MemoryIndexTest, EmptyIsFine) {
  EXPECT_TRUE(DecodeMemoryIndex("", kMemory, 0)->empty());
}

TEST(MemoryIndexTest, EachRuleIsChecked) {
  struct Case {
    void (*change)(std::vector<ChunkEntry>&);
    const char* fault;
  };
  const Case cases[] = {
      {[](auto& c) { c[0].gpa = 4096; }, "0x1000 is not aligned"},
      {[](auto& c) { c[2].gpa = 11 * kChunkSize; }, "is outside guest memory"},
      {[](auto& c) { c[1].gpa = 0; }, "is out of order"},
      {[](auto& c) { c[1].page_mask = 0; }, "has no pages"},
      {[](auto& c) { c[2].page_mask = 0x8; }, "has a page outside"},
      {[](auto& c) { c[1].stored_length = 0; }, "has an impossible length"},
      {[](auto& c) { c[1].stored_length = 65537; }, "has an impossible length"},
      {[](auto& c) { c[1].offset = 99001; }, "is outside the memory file"},
      {[](auto& c) { c[1].offset = ~uint64_t{0}; },
       "is outside the memory file"},
      {[](auto& c) { c[1].encoding = static_cast<ChunkEncoding>(2); },
       "has an unknown encoding"},
      {[](auto& c) { c[0].page_mask = 1; }, "does not fit its pages"},
  };
  for (const Case& test : cases) {
    std::vector<ChunkEntry> chunks = SampleChunks();
    test.change(chunks);
    const std::string message = Message(chunks);
    EXPECT_NE(message.find(test.fault), std::string::npos) << message;
  }
}

TEST(MemoryIndexTest, RefusesAnOddLength) {
  const std::string bytes = EncodeMemoryIndex(SampleChunks());
  EXPECT_FALSE(
      DecodeMemoryIndex(absl::string_view(bytes).substr(1), kMemory, kFile)
          .ok());
}

}  // namespace
}  // namespace crvm
