// SPDX-License-Identifier: Apache-2.0
//
// Unit tests of DeviceTable: routing, empty slots, save and restore.

#include "vmm/devices/device_table.h"

#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/abi/devices.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/devices/console/console.h"
#include "vmm/devices/rng/rng.h"
#include "vmm/devices/virtio/testing/fake_driver.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {
namespace {

class DeviceTableTest : public testing::Test {
 protected:
  DeviceTableTest()
      : memory_(*GuestMemory::Create(1 << 20)),
        console_(80, 25),
        table_(&memory_, &events_) {
    table_.Add(abi::kSlotConsole, &console_);
    table_.Add(abi::kSlotRng, &rng_);
  }

  uint32_t Get(uint64_t address) {
    uint32_t value = 0xdddddddd;
    table_.Read(GuestAddress(address),
                absl::MakeSpan(reinterpret_cast<uint8_t*>(&value), 4));
    return value;
  }

  void Set(uint64_t address, uint32_t value) {
    table_.Write(
        GuestAddress(address),
        absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&value), 4));
  }

  GuestMemory memory_;
  FakeEventSink events_;
  Console console_;
  Rng rng_;
  DeviceTable table_;
};

TEST_F(DeviceTableTest, RoutesToTheSlots) {
  EXPECT_EQ(Get(abi::DeviceSlotAddress(abi::kSlotConsole) + 8), 3u);
  EXPECT_EQ(Get(abi::DeviceSlotAddress(abi::kSlotRng) + 8), 4u);
  EXPECT_TRUE(table_.Has(abi::kSlotRng));
  Set(abi::DeviceSlotAddress(abi::kSlotRng) + abi::kVirtioStatus, 1);
  EXPECT_EQ(Get(abi::DeviceSlotAddress(abi::kSlotRng) + abi::kVirtioStatus),
            1u);
  EXPECT_EQ(Get(abi::DeviceSlotAddress(abi::kSlotConsole) + abi::kVirtioStatus),
            0u);
}

TEST_F(DeviceTableTest, EmptySlotsHaveNoDevice) {
  EXPECT_FALSE(table_.Has(abi::kSlotFs));
  const uint64_t slot = abi::DeviceSlotAddress(abi::kSlotFs);
  EXPECT_EQ(Get(slot), abi::kVirtioMagic);
  EXPECT_EQ(Get(slot + abi::kVirtioDeviceId), 0u);
  Set(slot + abi::kVirtioStatus, 1);
  EXPECT_EQ(Get(slot + abi::kVirtioStatus), 0u);
  EXPECT_EQ(Get(abi::DeviceSlotAddress(63) + abi::kVirtioDeviceId), 0u);
}

TEST_F(DeviceTableTest, KnowsItsRegion) {
  EXPECT_FALSE(DeviceTable::Contains(GuestAddress(abi::kDoorbellGpa)));
  EXPECT_FALSE(DeviceTable::Contains(GuestAddress(0)));
  EXPECT_FALSE(DeviceTable::Contains(GuestAddress(~uint64_t{0})));
  EXPECT_TRUE(DeviceTable::Contains(GuestAddress(abi::kDeviceSlotsBase)));
  EXPECT_FALSE(DeviceTable::Contains(GuestAddress(abi::DeviceSlotAddress(64))));
  EXPECT_EQ(Get(0), 0u);
  Set(0, 1);
}

TEST_F(DeviceTableTest, StateSurvivesARoundTrip) {
  Set(abi::DeviceSlotAddress(abi::kSlotRng) + abi::kVirtioStatus, 1);
  auto state = table_.SaveState();
  ASSERT_TRUE(state.ok());
  const std::vector<abi::DeviceSlot> expected = {abi::kSlotConsole,
                                                 abi::kSlotRng};
  EXPECT_EQ(*DeviceTable::SavedSlots(*state), expected);
  Set(abi::DeviceSlotAddress(abi::kSlotRng) + abi::kVirtioStatus, 0);
  ASSERT_TRUE(table_.RestoreState(*state).ok());
  EXPECT_EQ(Get(abi::DeviceSlotAddress(abi::kSlotRng) + abi::kVirtioStatus),
            1u);
  for (size_t n = 0; n < state->size(); ++n) {
    EXPECT_FALSE(
        table_.RestoreState(absl::string_view(*state).substr(0, n)).ok());
  }
}

TEST_F(DeviceTableTest, RefusesOtherDevices) {
  const std::string state = *table_.SaveState();
  DeviceTable fewer(&memory_, &events_);
  Rng rng;
  fewer.Add(abi::kSlotRng, &rng);
  EXPECT_FALSE(fewer.RestoreState(state).ok());
  Console console(80, 25);
  fewer.Add(abi::kSlotStdin, &console);
  EXPECT_FALSE(fewer.RestoreState(state).ok());
}

}  // namespace
}  // namespace crvm
