// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/state_codec.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace crvm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Message(const absl::Status& status) {
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

TEST(StateCodecTest, RoundTrip) {
  StateWriter w;
  w.U8(0xab);
  w.U16(0xbeef);
  w.U32(0xdeadbeef);
  w.U64(0x0123456789abcdef);
  w.I64(-2);
  w.Bool(true);
  w.Bytes(std::vector<uint8_t>{1, 2, 3});
  w.String("name");
  w.Raw(std::vector<uint8_t>{9, 8});
  std::string data = w.Take();
  EXPECT_EQ(w.size(), 0u);

  StateReader r(data);
  EXPECT_EQ(*r.U8(), 0xab);
  EXPECT_EQ(*r.U16(), 0xbeef);
  EXPECT_EQ(*r.U32(), 0xdeadbeef);
  EXPECT_EQ(*r.U64(), 0x0123456789abcdefu);
  EXPECT_EQ(*r.I64(), -2);
  EXPECT_EQ(*r.Bool(), true);
  EXPECT_THAT(*r.Bytes(3), ElementsAre(1, 2, 3));
  EXPECT_EQ(*r.String(100), "name");
  uint8_t raw[2];
  EXPECT_TRUE(r.Raw(absl::MakeSpan(raw)).ok());
  EXPECT_THAT(raw, ElementsAre(9, 8));
  EXPECT_TRUE(r.ExpectEnd().ok());
}

TEST(StateCodecTest, LittleEndianOnDisk) {
  StateWriter w;
  w.U32(0x04030201);
  w.String("A");
  EXPECT_EQ(w.Take(), std::string("\x01\x02\x03\x04\x01\0\0\0\0\0\0\0A", 13));
}

TEST(StateCodecTest, TruncationAtEveryLength) {
  StateWriter w;
  w.U32(7);
  w.String("hello");
  std::string data = w.Take();
  for (size_t n = 0; n < data.size(); ++n) {
    StateReader r(absl::string_view(data).substr(0, n));
    bool ok = r.U32().ok() && r.String(10).ok();
    EXPECT_FALSE(ok) << n;
  }
}

TEST(StateCodecTest, LengthsAreBounded) {
  StateWriter w;
  w.U64(~uint64_t{0});
  std::string huge = w.Take();
  EXPECT_THAT(Message(StateReader(huge).Bytes(16).status()),
              HasSubstr("the limit is 16"));
  EXPECT_THAT(Message(StateReader(huge).String(~size_t{0}).status()),
              HasSubstr("truncated"));
  EXPECT_THAT(Message(StateReader(huge).Count(~size_t{0}).status()),
              HasSubstr("truncated"));
}

TEST(StateCodecTest, BadBoolAndTrailingBytes) {
  StateReader r(absl::string_view("\x02\x00", 2));
  EXPECT_THAT(Message(r.Bool().status()), HasSubstr("bool of value 2"));
  EXPECT_THAT(Message(r.ExpectEnd()), HasSubstr("1 bytes too many"));
}

TEST(StateCodecTest, FailedReadConsumesNothing) {
  StateReader r(absl::string_view("\x01\x02", 2));
  EXPECT_FALSE(r.U32().ok());
  EXPECT_EQ(*r.U16(), 0x0201);
}

}  // namespace
}  // namespace crvm
