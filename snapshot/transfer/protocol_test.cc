// SPDX-License-Identifier: Apache-2.0

#include "snapshot/transfer/protocol.h"

#include "gtest/gtest.h"

namespace crvm {
namespace {

template <typename Message>
void ExpectRoundTrip(const Message& message) {
  const std::string bytes = Encode(message);
  Message decoded;
  ASSERT_TRUE(Decode(bytes, decoded).ok());
  EXPECT_EQ(decoded, message);
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(Decode(bytes.substr(0, n), decoded).ok());
  }
}

TEST(ProtocolTest, RoundTrips) {
  ExpectRoundTrip(TransferHello{1, "0.1", 1, 2, "host"});
  ExpectRoundTrip(TransferOffer{.header = "header",
                                .name = "vm",
                                .detach = true,
                                .clock = "now",
                                .files = "keep",
                                .privilege = "auto",
                                .cols = 80,
                                .rows = 24});
  ExpectRoundTrip(TransferOutcome{125, "why"});
  ExpectRoundTrip(TransferData{TransferFile::kMemory, 1 << 20, "bytes"});
  ExpectRoundTrip(TransferDataEnd{{1, 2}});
  ExpectRoundTrip(TransferStarted{{true, false, true}});
  ExpectRoundTrip(TransferWindow{80, 24});
  ExpectRoundTrip(TransferNumber{7});
  ExpectRoundTrip(TransferText{"text"});
  ExpectRoundTrip(TransferOutput{2, "bytes"});
}

TEST(ProtocolTest, Caps) {
  TransferData data;
  EXPECT_FALSE(
      Decode(Encode(TransferData{TransferFile::kState, 0,
                                 std::string(kTransferPiece + 1, 'x')}),
             data)
          .ok());
  EXPECT_FALSE(
      Decode(Encode(TransferData{static_cast<TransferFile>(2), 0, ""}), data)
          .ok());
  TransferOutput output;
  EXPECT_FALSE(Decode(Encode(TransferOutput{0, "x"}), output).ok());
  TransferOutcome outcome;
  ASSERT_TRUE(
      Decode(Encode(TransferOutcome{1, std::string(100'000, 'x')}), outcome)
          .ok());
  EXPECT_EQ(outcome.message.size(), 4096u);
}

TEST(ProtocolTest, HelloOfALaterProtocolIsReadable) {
  TransferHello hello;
  EXPECT_TRUE(
      Decode(Encode(TransferHello{9, "9.0", 9, 9, "h"}) + "more", hello).ok());
  EXPECT_EQ(hello.protocol, 9u);
}

}  // namespace
}  // namespace crvm
