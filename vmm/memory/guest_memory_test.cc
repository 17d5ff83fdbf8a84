// SPDX-License-Identifier: Apache-2.0
//
// Unit tests of GuestAddress and GuestMemory; single-threaded, trusts nothing.

#include "vmm/memory/guest_memory.h"

#include <cstdint>
#include <limits>
#include <utility>

#include "gtest/gtest.h"
#include "vmm/memory/guest_address.h"

namespace crvm {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

TEST(GuestAddressTest, ArithmeticIsChecked) {
  EXPECT_EQ(GuestAddress(5).CheckedAdd(3), GuestAddress(8));
  EXPECT_EQ(GuestAddress(kMax).CheckedAdd(1), std::nullopt);
  EXPECT_EQ(GuestAddress(8).CheckedOffsetFrom(GuestAddress(5)), 3u);
  EXPECT_EQ(GuestAddress(5).CheckedOffsetFrom(GuestAddress(8)), std::nullopt);
  EXPECT_TRUE(GuestAddress(0x2000).IsAligned(0x1000));
  EXPECT_FALSE(GuestAddress(0x2008).IsAligned(0x10));
  EXPECT_LT(GuestAddress(1), GuestAddress(2));
}

TEST(GuestMemoryTest, RefusesImpossibleSizes) {
  EXPECT_FALSE(GuestMemory::Create(0).ok());
  EXPECT_FALSE(GuestMemory::Create(4097).ok());
  EXPECT_FALSE(GuestMemory::Create(GuestMemory::kMaxSize + 4096).ok());
  EXPECT_FALSE(GuestMemory::Create(kMax & ~uint64_t{4095}).ok());
}

TEST(GuestMemoryTest, IsAlignedForHugePages) {
  for (int i = 0; i < 4; ++i) {
    auto memory = GuestMemory::Create(3 * 4096 * (i + 1));
    ASSERT_TRUE(memory.ok()) << memory.status();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->host_base()) % (2 * kMiB),
              0u);
  }
}

TEST(GuestMemoryTest, IsLazilyBacked) {
  auto memory = GuestMemory::Create(uint64_t{64} << 30);
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_TRUE(memory->Write<uint64_t>(GuestAddress((64ull << 30) - 8), 7).ok());
  EXPECT_EQ(*memory->Read<uint64_t>(GuestAddress((64ull << 30) - 8)), 7u);
}

TEST(GuestMemoryTest, ChecksEveryRange) {
  auto memory = GuestMemory::Create(kMiB);
  ASSERT_TRUE(memory.ok());
  EXPECT_TRUE(memory->Slice(GuestAddress(0), kMiB).ok());
  EXPECT_TRUE(memory->Slice(GuestAddress(kMiB), 0).ok());
  const std::pair<uint64_t, uint64_t> bad[] = {
      {kMiB, 1}, {kMiB - 1, 2},  {1, kMiB}, {kMiB + 1, 0},
      {kMax, 1}, {kMax, kMax},   {1, kMax}, {0, kMiB + 1},
      {0, kMax}, {kMax - 10, 11}};
  for (const auto& [address, length] : bad) {
    auto slice = memory->Slice(GuestAddress(address), length);
    EXPECT_EQ(slice.status().code(), absl::StatusCode::kOutOfRange)
        << address << " " << length;
  }
  EXPECT_FALSE(memory->Read<uint32_t>(GuestAddress(kMiB - 3)).ok());
  EXPECT_FALSE(memory->Write<uint32_t>(GuestAddress(kMiB - 3), 1).ok());
}

TEST(GuestMemoryTest, ReadsBackWhatWasWrittenAtAnyAlignment) {
  auto memory = GuestMemory::Create(kMiB);
  ASSERT_TRUE(memory.ok());
  ASSERT_TRUE(memory->Write<uint32_t>(GuestAddress(4093), 0x12345678).ok());
  EXPECT_EQ(*memory->Read<uint32_t>(GuestAddress(4093)), 0x12345678u);
  EXPECT_EQ(memory->host_base()[4093], 0x78);
}

TEST(GuestMemoryTest, DiscardZeroesWholePagesOnly) {
  auto memory = GuestMemory::Create(kMiB);
  ASSERT_TRUE(memory.ok());
  ASSERT_TRUE(memory->Write<uint8_t>(GuestAddress(4096), 1).ok());
  ASSERT_TRUE(memory->Write<uint8_t>(GuestAddress(8192), 2).ok());
  EXPECT_TRUE(memory->Discard(GuestAddress(4096), 4096).ok());
  EXPECT_EQ(*memory->Read<uint8_t>(GuestAddress(4096)), 0);
  EXPECT_EQ(*memory->Read<uint8_t>(GuestAddress(8192)), 2);
  EXPECT_FALSE(memory->Discard(GuestAddress(1), 4096).ok());
  EXPECT_FALSE(memory->Discard(GuestAddress(0), 100).ok());
  EXPECT_FALSE(memory->Discard(GuestAddress(kMiB), 4096).ok());
}

TEST(GuestMemoryTest, MovesTheMappingNotTheBytes) {
  auto memory = GuestMemory::Create(kMiB);
  ASSERT_TRUE(memory.ok());
  uint8_t* base = memory->host_base();
  GuestMemory moved = *std::move(memory);
  EXPECT_EQ(moved.host_base(), base);
  EXPECT_EQ(moved.size(), kMiB);
}

}  // namespace
}  // namespace crvm
