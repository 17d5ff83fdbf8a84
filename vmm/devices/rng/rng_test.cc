// SPDX-License-Identifier: Apache-2.0
//
// Unit tests of the entropy device, through a transport and a fake driver.

#include "vmm/devices/rng/rng.h"

#include <string>

#include "gtest/gtest.h"
#include "vmm/devices/virtio/mmio_transport.h"
#include "vmm/devices/virtio/testing/fake_driver.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {
namespace {

class RngTest : public testing::Test {
 protected:
  RngTest()
      : memory_(*GuestMemory::Create(kFakeDriverMemory)),
        transport_(5, &rng_, &memory_, &events_),
        driver_(&transport_, &memory_) {
    driver_.Start(0, 8);
  }

  GuestMemory memory_;
  FakeEventSink events_;
  Rng rng_;
  MmioTransport transport_;
  FakeDriver driver_;
};

TEST_F(RngTest, FillsBuffers) {
  const uint16_t first = driver_.queue(0).Offer("", 64, 2);
  const uint16_t second = driver_.queue(0).Offer("", 64);
  driver_.Notify(0);
  ASSERT_EQ(driver_.queue(0).TakeUsed()->length, 64u);
  ASSERT_EQ(driver_.queue(0).TakeUsed()->length, 64u);
  EXPECT_NE(driver_.queue(0).Written(first, 64),
            driver_.queue(0).Written(second, 64));
  EXPECT_NE(driver_.queue(0).Written(first, 64), std::string(64, 0));
  EXPECT_EQ(events_.TakeEvents(), 1);
}

TEST_F(RngTest, LimitsOneRequest) {
  driver_.queue(0).SetDesc(
      0, {0x100000, Rng::kMaxBytesPerRequest + 1, abi::kVirtqDescWrite, 0});
  driver_.queue(0).SetAvailable(0, 0);
  driver_.queue(0).SetAvailableIndex(1);
  driver_.Notify(0);
  EXPECT_EQ(driver_.queue(0).TakeUsed()->length, Rng::kMaxBytesPerRequest);
}

TEST_F(RngTest, GoesOnAfterARestore) {
  auto state = transport_.SaveState();
  ASSERT_TRUE(state.ok());
  ASSERT_TRUE(transport_.RestoreState(*state).ok());
  driver_.queue(0).Offer("", 8);
  driver_.Notify(0);
  EXPECT_EQ(driver_.queue(0).TakeUsed()->length, 8u);
  EXPECT_FALSE(rng_.RestoreState("").ok());
  EXPECT_FALSE(rng_.RestoreState("12345").ok());
}

}  // namespace
}  // namespace crvm
