// SPDX-License-Identifier: Apache-2.0

#include "cli/control/messages.h"

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
  EXPECT_FALSE(Decode(bytes + "x", decoded).ok());
}

TEST(MessagesTest, RoundTrips) {
  ExpectRoundTrip(VmInfo{.name = "n",
                         .pid = 7,
                         .argv = {"a", "", "c"},
                         .started_ns = 5,
                         .memory_size = 6,
                         .privilege = "supervisor",
                         .state = "running",
                         .parent = "n@1",
                         .detached = true});
  ExpectRoundTrip(SnapshotRequest{.tag = "t", .stop = true});
  ExpectRoundTrip(SnapshotReply{"n@2", "t", 1, 2, 3, 4});
  ExpectRoundTrip(KillRequest{9});
  ExpectRoundTrip(ResizeRequest{80, 24});
  ExpectRoundTrip(ErrorReply{125, "why"});
  ExpectRoundTrip(ProgressReply{1, 2});
}

TEST(MessagesTest, LongCommandLinesAreCutOff) {
  VmInfo info;
  info.argv.assign(100, std::string(10'000, 'x'));
  VmInfo decoded;
  ASSERT_TRUE(Decode(Encode(info), decoded).ok());
  EXPECT_LT(decoded.argv.size(), 100u);
  EXPECT_GT(decoded.argv.size(), 10u);
}

}  // namespace
}  // namespace crvm
