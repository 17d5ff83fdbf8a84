// SPDX-License-Identifier: Apache-2.0

#include "cli/commands/output.h"

#include "gtest/gtest.h"

namespace crvm {
namespace {

TEST(OutputTest, Table) {
  EXPECT_EQ(FormatTable({{"NAME", "X"}, {"longer", "1"}, {"a\nb", "22"}}),
            "NAME    X\nlonger  1\na\\nb    22\n");
  EXPECT_EQ(FormatTable({}), "");
}

TEST(OutputTest, Argv) {
  EXPECT_EQ(FormatArgv({"./app", "a b", "it's", "", "-x=1"}, 80),
            "./app 'a b' 'it'\\''s' '' -x=1");
  EXPECT_EQ(FormatArgv({std::string(100, 'x')}, 10), "xxxxxxx...");
  EXPECT_EQ(FormatArgv({"a\x1b[2J"}, 80), "'a\\033[2J'");
}

}  // namespace
}  // namespace crvm
