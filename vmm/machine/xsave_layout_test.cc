// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/xsave_layout.h"

#include <gtest/gtest.h>

namespace crvm {
namespace {

std::vector<kvm_cpuid_entry2> Listing(uint32_t xcr0) {
  kvm_cpuid_entry2 entry = {};
  entry.function = 0xd;
  entry.eax = xcr0;
  return {entry};
}

TEST(XsaveLayoutTest, KeepsTheComponentsThatFit) {
  auto layout = HostXsaveLayout(Listing(0x602e7));  // with AMX and PKRU
  ASSERT_TRUE(layout.ok()) << layout.status();
  EXPECT_EQ(layout->xcr0, 0xe7u);
  auto legacy = HostXsaveLayout(Listing(0x3));
  ASSERT_TRUE(legacy.ok());
  EXPECT_EQ(legacy->size, 576u);
}

TEST(XsaveLayoutTest, WithoutXsaveIsRefusedByName) {
  auto layout = HostXsaveLayout({});
  EXPECT_EQ(layout.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(XsaveLayoutTest, ChecksWhatWasSaved) {
  auto host = HostXsaveLayout(Listing(0x7));
  ASSERT_TRUE(host.ok());
  EXPECT_TRUE(CheckXsaveLayout(*host, *host).ok());
  XsaveLayout more = *host;
  more.xcr0 = 0xe7;
  EXPECT_FALSE(CheckXsaveLayout(more, *host).ok());
  XsaveLayout other = *host;
  other.size += 64;
  EXPECT_FALSE(CheckXsaveLayout(other, *host).ok());
}

TEST(XsaveLayoutTest, RoundTrip) {
  StateWriter writer;
  Encode(XsaveLayout{.xcr0 = 7, .size = 832}, writer);
  std::string bytes = writer.Take();
  StateReader reader(bytes);
  auto out = DecodeXsaveLayout(reader);
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(*out, (XsaveLayout{.xcr0 = 7, .size = 832}));
}

}  // namespace
}  // namespace crvm
