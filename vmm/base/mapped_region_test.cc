// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/mapped_region.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace crvm {
namespace {

constexpr size_t kPage = 4096;

absl::StatusOr<MappedRegion> Anonymous(size_t len) {
  return MappedRegion::Map(len, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

bool IsMapped(uint8_t* p) { return msync(p, kPage, MS_ASYNC) == 0; }

TEST(MappedRegionTest, MapsAndUnmaps) {
  uint8_t* p = nullptr;
  {
    absl::StatusOr<MappedRegion> region = Anonymous(2 * kPage);
    ASSERT_TRUE(region.ok()) << region.status();
    EXPECT_EQ(region->size(), 2 * kPage);
    p = region->data();
    p[kPage] = 7;
    EXPECT_TRUE(IsMapped(p));
  }
  EXPECT_FALSE(IsMapped(p));
}

TEST(MappedRegionTest, MoveLeavesEmpty) {
  MappedRegion a = *Anonymous(kPage);
  uint8_t* p = a.data();
  MappedRegion b = std::move(a);
  EXPECT_EQ(a.data(), nullptr);
  EXPECT_EQ(a.size(), 0u);
  EXPECT_EQ(b.data(), p);
  MappedRegion c = *Anonymous(kPage);
  uint8_t* replaced = c.data();
  c = std::move(b);
  EXPECT_FALSE(IsMapped(replaced));
  EXPECT_TRUE(IsMapped(p));
}

TEST(MappedRegionTest, FailureIsAStatus) {
  absl::StatusOr<MappedRegion> region =
      MappedRegion::Map(kPage, PROT_READ, MAP_SHARED, /*fd=*/-1, 0);
  EXPECT_FALSE(region.ok());
  EXPECT_EQ(region.status().message(),
            "mmap of 4096 bytes: Bad file descriptor");
}

}  // namespace
}  // namespace crvm
