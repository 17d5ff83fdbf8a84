// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/used_memory.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "guestkernel/abi/shared_pages.h"

namespace crvm {
namespace {

constexpr uint64_t kSize = 16 << 20;
constexpr uint64_t kBitmapGpa = 8 << 20;
using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;  // frames [a, b)

class UsedMemoryTest : public ::testing::Test {
 protected:
  UsedMemoryTest() : memory_(GuestMemory::Create(kSize).value()) {}

  void Tell(uint64_t bits, uint64_t watermark) {
    abi::KernelInfo info = {};
    info.magic = abi::kBootInfoMagic;
    info.frame_bitmap_gpa = kBitmapGpa;
    info.frame_bitmap_bits = bits;
    info.frame_watermark = watermark;
    ASSERT_TRUE(memory_.Write(GuestAddress(abi::kKernelInfoGpa), info).ok());
  }
  void Use(uint64_t frame) {
    memory_.host_base()[kBitmapGpa + frame / 8] |= 1 << (frame % 8);
  }
  Ranges InUse() {
    Ranges ranges;
    auto status = UsedMemory(&memory_).ForEachInUse(
        [&](uint64_t gpa, absl::Span<const uint8_t> bytes) {
          ranges.emplace_back(gpa / 4096, (gpa + bytes.size()) / 4096);
          return absl::OkStatus();
        });
    EXPECT_TRUE(status.ok()) << status;
    return ranges;
  }

  GuestMemory memory_;
};

TEST_F(UsedMemoryTest, AllMemoryBeforeTheKernelHasTold) {
  EXPECT_EQ(InUse(), (Ranges{{0, kSize / 4096}}));
}

TEST_F(UsedMemoryTest, RunsOfUsedFrames) {
  Tell(kSize / 4096, 100);
  for (uint64_t frame : {0, 1, 2, 7, 8, 9, 40}) Use(frame);
  EXPECT_EQ(InUse(), (Ranges{{0, 3}, {7, 10}, {40, 41}}));
  EXPECT_EQ(UsedMemory(&memory_).Bytes(), 7 * 4096u);
}

// The watermark need not end a byte of the bitmap: frames before it counted
// once as free, and the program lost them.
TEST_F(UsedMemoryTest, TheLastFramesBelowTheWatermark) {
  Tell(kSize / 4096, 19);
  Use(16);
  Use(18);
  EXPECT_EQ(InUse(), (Ranges{{16, 17}, {18, 19}}));
}

TEST_F(UsedMemoryTest, ABitmapOutsideMemoryMeansAllMemory) {
  Tell(kSize / 4096, kSize / 4096);
  abi::KernelInfo info = {};
  info.magic = abi::kBootInfoMagic;
  info.frame_bitmap_gpa = ~uint64_t{0} - 16;
  info.frame_bitmap_bits = ~uint64_t{0};
  info.frame_watermark = ~uint64_t{0};
  ASSERT_TRUE(memory_.Write(GuestAddress(abi::kKernelInfoGpa), info).ok());
  EXPECT_EQ(InUse(), (Ranges{{0, kSize / 4096}}));
}

TEST_F(UsedMemoryTest, WholeMemoryRefusesWhatIsOutside) {
  WholeMemory whole(&memory_);
  EXPECT_TRUE(whole.Slice(0, kSize).ok());
  EXPECT_FALSE(whole.Slice(kSize, 1).ok());
  EXPECT_FALSE(whole.Slice(4096, ~uint64_t{0}).ok());
}

}  // namespace
}  // namespace crvm
