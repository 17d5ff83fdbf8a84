// SPDX-License-Identifier: Apache-2.0

#include "snapshot/wire/frame.h"

#include "gtest/gtest.h"

namespace crvm {
namespace {

TEST(FrameTest, RoundTripInAnyPieces) {
  const std::vector<Frame> frames = {
      {1, "hello"}, {2, ""}, {65535, std::string(100000, 'x')}};
  std::string stream;
  for (const Frame& frame : frames) {
    stream += EncodeFrame(frame.type, frame.payload);
  }
  for (size_t piece :
       {size_t{1}, size_t{15}, size_t{17}, size_t{4096}, stream.size()}) {
    FrameDecoder decoder;
    std::vector<Frame> got;
    for (size_t at = 0; at < stream.size(); at += piece) {
      decoder.Append(absl::string_view(stream).substr(at, piece));
      for (;;) {
        auto frame = decoder.Next();
        ASSERT_TRUE(frame.ok()) << frame.status();
        if (!frame->has_value()) break;
        got.push_back(**frame);
      }
    }
    EXPECT_EQ(got, frames);
    EXPECT_TRUE(decoder.AtBoundary());
  }
}

TEST(FrameTest, EveryFlippedBitIsFound) {
  const std::string good = EncodeFrame(7, "payload");
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] ^= 1 << bit;
      FrameDecoder decoder;
      decoder.Append(bad);
      const auto frame = decoder.Next();
      // A longer length just waits for more.
      EXPECT_TRUE(!frame.ok() || !frame->has_value()) << i;
      if (i >= 4) {
        EXPECT_FALSE(frame.ok()) << i;
      }
    }
  }
}

TEST(FrameTest, LengthIsCapped) {
  FrameDecoder decoder(10);
  decoder.Append(EncodeFrame(1, std::string(11, 'x')));
  EXPECT_TRUE(absl::IsDataLoss(decoder.Next().status()));
}

TEST(FrameTest, AnErrorSticks) {
  FrameDecoder decoder;
  std::string bad = EncodeFrame(1, "x");
  bad[16] ^= 1;
  decoder.Append(bad + EncodeFrame(2, "y"));
  EXPECT_FALSE(decoder.Next().ok());
  decoder.Append(EncodeFrame(3, "z"));
  EXPECT_FALSE(decoder.Next().ok());
}

}  // namespace
}  // namespace crvm
