// SPDX-License-Identifier: Apache-2.0
//
// virtio-fs through a transport and a fake driver.

#include "vmm/devices/fs/fs_device.h"

#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "vmm/devices/fs/fuse_test_fixture.h"
#include "vmm/devices/virtio/mmio_transport.h"
#include "vmm/devices/virtio/testing/fake_driver.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {
namespace {

class FsDeviceTest : public FuseTest {
 protected:
  FsDeviceTest()
      : memory_(*GuestMemory::Create(kFakeDriverMemory)),
        device_(server_.get()),
        transport_(4, &device_, &memory_, &events_),
        driver_(&transport_, &memory_) {
    driver_.Start(0, 8);
  }

  static std::string Request(uint32_t opcode, uint64_t node,
                             const std::string& body) {
    fuse_in_header header = {};
    header.len = static_cast<uint32_t>(sizeof(header) + body.size());
    header.opcode = opcode;
    header.unique = 7;
    header.nodeid = node;
    return FuseTestClient::Bytes(header) + body;
  }

  GuestMemory memory_;
  FakeEventSink events_;
  FsDevice device_;
  MmioTransport transport_;
  FakeDriver driver_;
};

TEST_F(FsDeviceTest, ServesWithinTheNotify) {
  WriteHost("f", "hello");
  std::string request = Request(FUSE_LOOKUP, 1, FuseTestClient::Name("f"));
  const uint16_t head = driver_.queue(1).Offer(request, 512, 3);
  driver_.Notify(1);
  auto used = driver_.queue(1).TakeUsed();
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(used->length, sizeof(fuse_out_header) + sizeof(fuse_entry_out));
  std::string reply = driver_.queue(1).Written(head, used->length);
  fuse_out_header header;
  std::memcpy(&header, reply.data(), sizeof(header));
  EXPECT_EQ(header.error, 0);
  EXPECT_EQ(header.unique, 7u);
  // Several at once, one of them without a reply.
  uint64_t node;
  std::memcpy(&node, reply.data() + sizeof(header), sizeof(node));
  driver_.queue(1).Offer(
      Request(FUSE_FORGET, node, FuseTestClient::Bytes(fuse_forget_in{1})), 0);
  driver_.queue(1).Offer(
      Request(FUSE_GETATTR, node, FuseTestClient::Bytes(fuse_getattr_in{})),
      512);
  driver_.Notify(1);
  EXPECT_EQ(driver_.queue(1).TakeUsed()->length, 0u);
  EXPECT_EQ(driver_.queue(1).TakeUsed()->length, sizeof(fuse_out_header));
}

TEST_F(FsDeviceTest, Config) {
  uint8_t tag[9];
  for (size_t i = 0; i < sizeof(tag); ++i) {
    device_.ReadConfig(static_cast<uint32_t>(i), absl::MakeSpan(tag + i, 1));
  }
  EXPECT_STREQ(reinterpret_cast<char*>(tag), "crvmroot");
  uint8_t queues[4] = {};
  device_.ReadConfig(36, absl::MakeSpan(queues));
  EXPECT_EQ(queues[0], 1);
}

TEST_F(FsDeviceTest, State) {
  auto state = device_.SaveState();
  ASSERT_TRUE(state.ok());
  EXPECT_TRUE(device_.RestoreState(*state).ok());
  EXPECT_FALSE(device_.RestoreState("").ok());
  EXPECT_FALSE(device_.RestoreState("abcd").ok());
}

}  // namespace
}  // namespace crvm
