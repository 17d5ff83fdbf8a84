// SPDX-License-Identifier: Apache-2.0

#include "cli/base/units.h"

#include <signal.h>

#include "gtest/gtest.h"

namespace crvm {
namespace {

TEST(UnitsTest, ParseSize) {
  EXPECT_EQ(*ParseSize("4096"), 4096u);
  EXPECT_EQ(*ParseSize("512M"), 512u << 20);
  EXPECT_EQ(*ParseSize("512m"), 512u << 20);
  EXPECT_EQ(*ParseSize("4GiB"), uint64_t{4} << 30);
  EXPECT_EQ(*ParseSize("4 GB"), uint64_t{4} << 30);
  EXPECT_EQ(*ParseSize("1.5k"), 1536u);
  EXPECT_EQ(*ParseSize("0"), 0u);
  for (const char* bad : {"", "M", "4X", "-1", "4GiBs", "1e9", "99999999T",
                          "0x10", "4 4", "inf", "nan", "4BB"}) {
    EXPECT_FALSE(ParseSize(bad).ok()) << bad;
  }
}

TEST(UnitsTest, FormatSize) {
  EXPECT_EQ(FormatSize(0), "0 B");
  EXPECT_EQ(FormatSize(999), "999 B");
  EXPECT_EQ(FormatSize(1024), "1.0 KiB");
  EXPECT_EQ(FormatSize(1536), "1.5 KiB");
  EXPECT_EQ(FormatSize(100 << 20), "100 MiB");
  EXPECT_EQ(FormatSize(uint64_t{23} << 30), "23 GiB");
}

TEST(UnitsTest, FormatAge) {
  EXPECT_EQ(FormatAge(0), "0 s");
  EXPECT_EQ(FormatAge(119), "119 s");
  EXPECT_EQ(FormatAge(180), "3 min");
  EXPECT_EQ(FormatAge(3 * 3600), "3 h");
  EXPECT_EQ(FormatAge(72 * 3600), "3 d");
}

TEST(UnitsTest, ParseSignal) {
  EXPECT_EQ(*ParseSignal("TERM"), SIGTERM);
  EXPECT_EQ(*ParseSignal("sigint"), SIGINT);
  EXPECT_EQ(*ParseSignal("9"), 9);
  EXPECT_FALSE(ParseSignal("0").ok());
  EXPECT_FALSE(ParseSignal("NOPE").ok());
  EXPECT_FALSE(ParseSignal("99").ok());
}

TEST(UnitsTest, FormatTimeUtc) {
  EXPECT_EQ(FormatTimeUtc(1'000'000'000'500'000'000), "2001-09-09T01:46:40Z");
}

}  // namespace
}  // namespace crvm
