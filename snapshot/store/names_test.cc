// SPDX-License-Identifier: Apache-2.0

#include "snapshot/store/names.h"

#include "gtest/gtest.h"

namespace crvm {
namespace {

TEST(NamesTest, Refs) {
  EXPECT_EQ(*ParseSnapshotRef("job"), (SnapshotRef{"job", 0, ""}));
  EXPECT_EQ(*ParseSnapshotRef("job@3"), (SnapshotRef{"job", 3, ""}));
  EXPECT_EQ(*ParseSnapshotRef("job@v3"), (SnapshotRef{"job", 0, "v3"}));
  for (const char* text : {"job", "job@3", "job@v3"}) {
    EXPECT_EQ(ParseSnapshotRef(text)->ToString(), text);
  }
}

TEST(NamesTest, BadRefs) {
  for (const char* text :
       {"", "@", "job@", "@tag", "job@a@b", "job@0", "a/b", "..", "../x",
        "job@../x", "job@99999999999999999999999", "-x", "job@-x"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseSnapshotRef(text).status()))
        << text;
  }
}

TEST(NamesTest, MessagesSayTheRule) {
  EXPECT_EQ(CheckVmName("a b").message(),
            "'a b' cannot be a name: use 1 to 64 letters, digits, '.', '-' "
            "and '_', beginning with a letter or digit");
  EXPECT_EQ(CheckTag("12").message(),
            "'12' cannot be a tag: numbers are given out by crvm; use a word");
  EXPECT_EQ(CheckVmName("a\x1b[31m").message().substr(0, 14),
            "'a\\x1b[31m' ca");
}

TEST(NamesTest, NameAfterProgram) {
  EXPECT_EQ(NameAfterProgram("./app"), "app");
  EXPECT_EQ(NameAfterProgram("/usr/bin/python3.11"), "python3.11");
  EXPECT_EQ(NameAfterProgram("my app"), "my-app");
  EXPECT_EQ(NameAfterProgram("..."), "vm");
  EXPECT_EQ(NameAfterProgram(""), "vm");
  EXPECT_EQ(NameAfterProgram("x/"), "vm");
  EXPECT_TRUE(CheckVmName(NameAfterProgram(std::string(300, 'z'))).ok());
}

}  // namespace
}  // namespace crvm
