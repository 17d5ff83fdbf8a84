// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/chunk_codec.h"

#include <bit>

#include "gtest/gtest.h"
#include "snapshot/format/checksum.h"
#include "snapshot/format/limits.h"
#include "snapshot/testing/fake_memory.h"

namespace crvm {
namespace {

// Encodes `plain` with `mask` and decodes it into fresh memory.
struct RoundTrip {
  RoundTrip(const std::vector<uint8_t>& plain, uint16_t mask)
      : stored(plain.size()), memory(2 * kChunkSize) {
    entry.gpa = kChunkSize;
    entry.page_mask = mask;
    ChunkEncoder encoder;
    encoder.Encode(plain, stored.data(), entry);
    stored.resize(entry.stored_length);
    ChunkDecoder decoder;
    status = decoder.Decode(entry, stored, memory);
  }
  ChunkEntry entry;
  std::vector<uint8_t> stored;
  FakeMemory memory;
  absl::Status status;
};

std::vector<uint8_t> Noise(size_t size) {
  FakeMemory memory(size);
  memory.Fill(0, size, 1, 77);
  return memory.bytes();
}

TEST(ChunkCodecTest, IsZero) {
  std::vector<uint8_t> page(kPageSize);
  EXPECT_TRUE(IsZero(page));
  for (size_t at : {size_t{0}, size_t{63}, size_t{64}, size_t{4095}}) {
    page[at] = 1;
    EXPECT_FALSE(IsZero(page));
    page[at] = 0;
  }
}

TEST(ChunkCodecTest, EveryMaskPutsPagesInTheirPlaces) {
  for (unsigned mask :
       {0x1u, 0x8000u, 0xffffu, 0x8001u, 0x0ff0u, 0xaaaau, 0x7ffeu, 0x5a01u}) {
    const std::vector<uint8_t> plain = Noise(std::popcount(mask) * kPageSize);
    RoundTrip trip(plain, mask);
    ASSERT_TRUE(trip.status.ok()) << trip.status;
    size_t from = 0;
    for (unsigned page = 0; page < kPagesPerChunk; ++page) {
      const uint8_t* got = trip.memory.at(kChunkSize + page * kPageSize);
      for (size_t i = 0; i < kPageSize; ++i) {
        ASSERT_EQ(got[i], mask >> page & 1 ? plain[from + i] : 0);
      }
      if (mask >> page & 1) from += kPageSize;
    }
  }
}

TEST(ChunkCodecTest, CompressesWhatCanBe) {
  RoundTrip text(std::vector<uint8_t>(kChunkSize, 'x'), 0xffff);
  EXPECT_EQ(text.entry.encoding, ChunkEncoding::kLz4);
  EXPECT_LT(text.entry.stored_length, 1000u);
  RoundTrip noise(Noise(kChunkSize), 0xffff);
  EXPECT_EQ(noise.entry.encoding, ChunkEncoding::kPlain);
  EXPECT_EQ(noise.entry.stored_length, kChunkSize);
}

TEST(ChunkCodecTest, RefusesDamage) {
  RoundTrip trip(std::vector<uint8_t>(kChunkSize, 'x'), 0xffff);
  trip.stored[3] ^= 1;
  ChunkDecoder decoder;
  EXPECT_EQ(decoder.Decode(trip.entry, trip.stored, trip.memory).message(),
            "the snapshot's memory is damaged: the chunk at 0x10000 has a "
            "wrong checksum");
}

TEST(ChunkCodecTest, RefusesALieAboutTheLength) {
  RoundTrip trip(std::vector<uint8_t>(kChunkSize, 'x'), 0xffff);
  ChunkDecoder decoder;
  // Fewer pages than there are bytes, and more.
  trip.entry.page_mask = 0x00ff;
  EXPECT_TRUE(
      absl::IsDataLoss(decoder.Decode(trip.entry, trip.stored, trip.memory)));
  RoundTrip small(std::vector<uint8_t>(kPageSize, 'x'), 0x1);
  small.entry.page_mask = 0x3;
  EXPECT_TRUE(absl::IsDataLoss(
      decoder.Decode(small.entry, small.stored, small.memory)));
}

TEST(ChunkCodecTest, RefusesMemoryThatIsNotThere) {
  RoundTrip trip(std::vector<uint8_t>(kPageSize, 'x'), 0x1);
  trip.entry.gpa = 16 * kChunkSize;
  ChunkDecoder decoder;
  EXPECT_FALSE(decoder.Decode(trip.entry, trip.stored, trip.memory).ok());
}

}  // namespace
}  // namespace crvm
