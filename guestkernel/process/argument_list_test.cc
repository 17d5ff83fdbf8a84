// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/process/argument_list.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gk {
namespace {

std::string Bytes(const ArgumentList& list) {
  std::string all;
  list.ForEachPiece([&](const char* data, size_t n) {
    all.append(data, n);
    return 0;
  });
  return all;
}

std::vector<uint64_t> Offsets(const ArgumentList& list) {
  std::vector<uint64_t> offsets;
  list.ForEachOffset([&](uint64_t offset) {
    offsets.push_back(offset);
    return 0;
  });
  return offsets;
}

TEST(ArgumentListTest, StringsOneAfterTheOther) {
  ArgumentList list;
  EXPECT_EQ(list.count(), 0u);
  EXPECT_TRUE(Offsets(list).empty());
  ASSERT_EQ(list.Append("ls"), 0);
  ASSERT_EQ(list.Append(""), 0);
  ASSERT_EQ(list.Append("-l"), 0);
  EXPECT_EQ(list.count(), 3u);
  EXPECT_EQ(list.bytes(), 7u);
  EXPECT_EQ(Bytes(list), std::string("ls\0\0-l\0", 7));
  EXPECT_EQ(Offsets(list), (std::vector<uint64_t>{0, 3, 4}));
}

TEST(ArgumentListTest, DropsFromTheFront) {
  ArgumentList list;
  list.DropFirst();
  ASSERT_EQ(list.Append("a"), 0);
  ASSERT_EQ(list.Append("bc"), 0);
  list.DropFirst();
  EXPECT_EQ(list.count(), 1u);
  EXPECT_EQ(Bytes(list), std::string("bc\0", 3));
  EXPECT_EQ(Offsets(list), (std::vector<uint64_t>{0}));
  list.DropFirst();
  EXPECT_EQ(list.count(), 0u);
  EXPECT_EQ(list.bytes(), 0u);
  ASSERT_EQ(list.Append("d"), 0);
  EXPECT_EQ(Bytes(list), std::string("d\0", 2));
}

TEST(ArgumentListTest, LongStringsAcrossBlocks) {
  ArgumentList list;
  std::string expected;
  std::vector<uint64_t> offsets;
  for (int i = 0; i < 40; ++i) {
    std::string text(1000 * i, static_cast<char>('a' + i % 26));
    offsets.push_back(expected.size());
    expected += text + '\0';
    ASSERT_EQ(list.Append(StringView(text.data(), text.size())), 0);
  }
  EXPECT_EQ(Bytes(list), expected);
  EXPECT_EQ(Offsets(list), offsets);
  for (int i = 0; i < 30; ++i) list.DropFirst();
  EXPECT_EQ(Bytes(list), expected.substr(offsets[30]));
  ArgumentList copy;
  ASSERT_EQ(copy.Append("x"), 0);
  ASSERT_EQ(copy.AppendAll(list), 0);
  EXPECT_EQ(copy.count(), 11u);
  EXPECT_EQ(Bytes(copy), std::string("x\0", 2) + expected.substr(offsets[30]));
}

}  // namespace
}  // namespace gk
