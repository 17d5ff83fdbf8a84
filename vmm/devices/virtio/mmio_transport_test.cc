// SPDX-License-Identifier: Apache-2.0
//
// Unit tests of MmioTransport with an echo device: the register layout, the
// start-up sequence, what a misbehaving driver gets, save and restore.

#include "vmm/devices/virtio/mmio_transport.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"
#include "vmm/devices/virtio/testing/fake_driver.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {
namespace {

constexpr uint64_t kEchoFeature = uint64_t{1} << 3;

// Copies the readable part of each chain into the writable part.
class EchoDevice : public VirtioDevice {
 public:
  uint32_t device_id() const override { return 42; }
  uint64_t offered_features() const override { return kEchoFeature; }
  absl::Span<const uint16_t> queue_max_sizes() const override {
    static constexpr uint16_t kSizes[] = {16, 32};
    return kSizes;
  }
  void ReadConfig(uint32_t offset, absl::Span<uint8_t> data) override {
    CopyConfig(config_, offset, data);
  }
  void WriteConfig(uint32_t offset, absl::Span<const uint8_t> data) override {
    if (offset < config_.size() && !data.empty()) config_[offset] = data[0];
  }
  absl::Status OnNotify(int index) override {
    ++notifications_;
    Virtqueue& queue = transport().queue(index);
    for (;;) {
      CRVM_ASSIGN_OR_RETURN(std::optional<DescriptorChain> chain, queue.Pop());
      if (!chain) break;
      std::vector<uint8_t> data(chain->readable_bytes());
      chain->CopyFromReadable(0, absl::MakeSpan(data));
      const size_t n = chain->CopyToWritable(0, data);
      CRVM_RETURN_IF_ERROR(queue.Push(*chain, n));
    }
    transport().SignalUsed(index);
    return absl::OkStatus();
  }
  absl::Status OnHostEvent() override {
    config_[1] = 77;
    transport().SignalConfigChange();
    return absl::OkStatus();
  }
  void Reset() override { ++resets_; }
  absl::StatusOr<std::string> SaveState() const override {
    return std::string(config_.begin(), config_.end());
  }
  absl::Status RestoreState(absl::string_view state) override {
    config_.assign(state.begin(), state.end());
    return absl::OkStatus();
  }

  int notifications_ = 0;
  int resets_ = 0;
  std::vector<uint8_t> config_ = {1, 2, 3, 4, 5, 6};
};

class MmioTransportTest : public testing::Test {
 protected:
  MmioTransportTest()
      : memory_(*GuestMemory::Create(kFakeDriverMemory)),
        transport_(5, &device_, &memory_, &events_),
        driver_(&transport_, &memory_) {}

  GuestMemory memory_;
  FakeEventSink events_;
  EchoDevice device_;
  MmioTransport transport_;
  FakeDriver driver_;
};

TEST_F(MmioTransportTest, IntroducesItself) {
  EXPECT_EQ(driver_.Get(abi::kVirtioMagicValue), 0x74726976u);
  EXPECT_EQ(driver_.Get(abi::kVirtioVersion), 2u);
  EXPECT_EQ(driver_.Get(abi::kVirtioDeviceId), 42u);
  driver_.Set(abi::kVirtioDeviceFeaturesSel, 0);
  EXPECT_EQ(driver_.Get(abi::kVirtioDeviceFeatures), kEchoFeature);
  driver_.Set(abi::kVirtioDeviceFeaturesSel, 1);
  EXPECT_EQ(driver_.Get(abi::kVirtioDeviceFeatures), 1u);
  driver_.Set(abi::kVirtioDeviceFeaturesSel, 2);
  EXPECT_EQ(driver_.Get(abi::kVirtioDeviceFeatures), 0u);
  driver_.Set(abi::kVirtioQueueSel, 1);
  EXPECT_EQ(driver_.Get(abi::kVirtioQueueNumMax), 32u);
  driver_.Set(abi::kVirtioQueueSel, 2);
  EXPECT_EQ(driver_.Get(abi::kVirtioQueueNumMax), 0u);
  EXPECT_EQ(driver_.Get(abi::kVirtioShmLenLow), 0xffffffffu);
  EXPECT_EQ(driver_.Get(abi::kVirtioShmBaseHigh), 0xffffffffu);
}

TEST_F(MmioTransportTest, EchoesAfterStartUp) {
  driver_.Start(kEchoFeature);
  EXPECT_EQ(driver_.Status(), 15u);
  EXPECT_TRUE(transport_.IsRunning());
  EXPECT_EQ(transport_.negotiated_features(),
            kEchoFeature | abi::kVirtioFVersion1);
  const uint16_t head = driver_.queue(1).Offer("ping", 10);
  driver_.Notify(1);
  auto used = driver_.queue(1).TakeUsed();
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(driver_.queue(1).Written(head, used->length), "ping");
  EXPECT_EQ(events_.TakeEvents(), 1);
  EXPECT_EQ(driver_.Get(abi::kVirtioInterruptStatus),
            abi::kVirtioInterruptUsedBuffer);
  driver_.Set(abi::kVirtioInterruptAck, abi::kVirtioInterruptUsedBuffer);
  EXPECT_EQ(driver_.Get(abi::kVirtioInterruptStatus), 0u);
}

TEST_F(MmioTransportTest, RefusesFeaturesThatWereNotOffered) {
  driver_.StartUntilFeatures(uint64_t{1} << 5);
  EXPECT_EQ(driver_.Status() & abi::kVirtioStatusFeaturesOk, 0u);
  driver_.SetDriverOk();
  EXPECT_FALSE(transport_.IsRunning());
}

TEST_F(MmioTransportTest, RefusesADriverWithoutVersion1) {
  driver_.Set(abi::kVirtioStatus, 3);
  driver_.Set(abi::kVirtioStatus, 11);
  EXPECT_EQ(driver_.Status(), 3u);
}

TEST_F(MmioTransportTest, FeaturesAreFixedOnceAccepted) {
  driver_.StartUntilFeatures(0);
  driver_.Set(abi::kVirtioDriverFeaturesSel, 0);
  driver_.Set(abi::kVirtioDriverFeatures, kEchoFeature);
  EXPECT_EQ(transport_.negotiated_features(), abi::kVirtioFVersion1);
}

TEST_F(MmioTransportTest, IgnoresNotificationsBeforeDriverOk) {
  driver_.Notify(0);
  EXPECT_EQ(device_.notifications_, 0);
  driver_.Start(0);
  driver_.Notify(7);
  EXPECT_EQ(device_.notifications_, 0);
}

TEST_F(MmioTransportTest, ABadQueueNeedsAReset) {
  driver_.Start(0, 3);
  EXPECT_TRUE(driver_.NeedsReset());
  EXPECT_FALSE(transport_.IsRunning());
}

TEST_F(MmioTransportTest, AQueueBeforeTheFeaturesNeedsAReset) {
  driver_.Set(abi::kVirtioQueueReady, 1);
  EXPECT_TRUE(driver_.NeedsReset());
}

TEST_F(MmioTransportTest, AMalformedRingNeedsAResetAndResetHelps) {
  driver_.Start(0);
  events_.TakeEvents();
  driver_.queue(0).SetAvailableIndex(1000);
  driver_.Notify(0);
  EXPECT_TRUE(driver_.NeedsReset());
  EXPECT_EQ(events_.TakeEvents(), 1);
  EXPECT_EQ(driver_.Get(abi::kVirtioInterruptStatus),
            abi::kVirtioInterruptConfigChange);
  driver_.Notify(0);
  EXPECT_EQ(device_.notifications_, 1);  // not bothered again

  const int resets = device_.resets_;
  driver_.queue(0).SetAvailableIndex(0);
  driver_.Start(0);
  EXPECT_EQ(device_.resets_, resets + 1);
  EXPECT_TRUE(transport_.IsRunning());
  EXPECT_EQ(driver_.Get(abi::kVirtioInterruptStatus), 0u);
}

TEST_F(MmioTransportTest, ARunningQueueCannotBeTakenAway) {
  driver_.Start(0);
  driver_.Set(abi::kVirtioQueueSel, 0);
  EXPECT_EQ(driver_.Get(abi::kVirtioQueueReady), 1u);
  driver_.Set(abi::kVirtioQueueReady, 0);
  EXPECT_TRUE(driver_.NeedsReset());
}

TEST_F(MmioTransportTest, StatusBitsAreOnlyAdded) {
  driver_.Start(0);
  driver_.Set(abi::kVirtioStatus, 1);
  EXPECT_EQ(driver_.Status(), 15u);
  driver_.Set(abi::kVirtioStatus, 0xfffffff0);
  EXPECT_EQ(driver_.Status(), 15u | abi::kVirtioStatusFailed);
  EXPECT_FALSE(transport_.IsRunning());
}

TEST_F(MmioTransportTest, ConfigSpaceTakesAnyWidth) {
  uint8_t data[8];
  transport_.Read(abi::kVirtioConfig + 1, absl::MakeSpan(data, 1));
  EXPECT_EQ(data[0], 2);
  transport_.Read(abi::kVirtioConfig + 4, absl::MakeSpan(data));
  EXPECT_EQ(data[1], 6);
  EXPECT_EQ(data[2], 0);
  transport_.Read(abi::kVirtioConfig + 0xeff, absl::MakeSpan(data));
  EXPECT_EQ(data[0], 0);
  const uint8_t value = 9;
  transport_.Write(abi::kVirtioConfig, absl::MakeConstSpan(&value, 1));
  EXPECT_EQ(device_.config_[0], 9);
}

TEST_F(MmioTransportTest, ConfigChangesAreTold) {
  driver_.Start(0);
  const uint32_t before = driver_.Get(abi::kVirtioConfigGeneration);
  events_.TakeEvents();
  transport_.ProcessHostEvent();
  EXPECT_NE(driver_.Get(abi::kVirtioConfigGeneration), before);
  EXPECT_EQ(driver_.Get(abi::kVirtioInterruptStatus),
            abi::kVirtioInterruptConfigChange);
  EXPECT_EQ(events_.TakeEvents(), 1);
}

TEST_F(MmioTransportTest, OddAccessesAreHarmless) {
  uint8_t data[8] = {0xff, 0xff, 0xff, 0xff};
  transport_.Read(1, absl::MakeSpan(data, 4));
  EXPECT_EQ(data[0], 0);
  transport_.Read(0, absl::MakeSpan(data, 8));
  EXPECT_EQ(data[0], 0);
  transport_.Write(abi::kVirtioStatus, absl::MakeConstSpan(data, 1));
  transport_.Write(abi::kVirtioStatus + 2, absl::MakeConstSpan(data, 4));
  EXPECT_EQ(driver_.Status(), 0u);
}

TEST_F(MmioTransportTest, GoesOnAfterARestore) {
  driver_.Start(kEchoFeature);
  driver_.queue(0).Offer("one", 3);
  driver_.Notify(0);
  ASSERT_TRUE(driver_.queue(0).TakeUsed().has_value());
  const uint16_t head = driver_.queue(0).Offer("two", 3);  // not yet notified
  device_.config_[3] = 99;

  auto state = transport_.SaveState();
  ASSERT_TRUE(state.ok());
  StateWriter writer;
  Encode(*state, writer);
  const std::string bytes = writer.Take();
  StateReader reader(bytes);
  auto decoded = DecodeMmioTransportState(reader);
  ASSERT_TRUE(decoded.ok()) << decoded.status();

  GuestMemory memory = *GuestMemory::Create(kFakeDriverMemory);
  EchoDevice device;
  MmioTransport transport(5, &device, &memory, &events_);
  driver_.MoveTo(&transport, &memory);
  ASSERT_TRUE(transport.RestoreState(*decoded).ok());
  EXPECT_EQ(device.config_[3], 99);
  EXPECT_EQ(driver_.Status(), 15u);
  driver_.Notify(0);
  auto used = driver_.queue(0).TakeUsed();
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(driver_.queue(0).Written(head, used->length), "two");

  for (size_t n = 0; n < bytes.size(); ++n) {
    StateReader truncated(absl::string_view(bytes).substr(0, n));
    EXPECT_FALSE(DecodeMmioTransportState(truncated).ok()) << n;
  }
}

TEST_F(MmioTransportTest, RefusesAForeignState) {
  driver_.Start(0);
  const MmioTransportState good = *transport_.SaveState();
  EXPECT_TRUE(transport_.RestoreState(good).ok());
  MmioTransportState bad = good;
  bad.device_id = 7;
  EXPECT_FALSE(transport_.RestoreState(bad).ok());
  bad = good;
  bad.queues.pop_back();
  EXPECT_FALSE(transport_.RestoreState(bad).ok());
  bad = good;
  bad.driver_features |= uint64_t{1} << 60;
  EXPECT_FALSE(transport_.RestoreState(bad).ok());
  bad = good;
  bad.queues[0].desc = ~uint64_t{0};
  EXPECT_FALSE(transport_.RestoreState(bad).ok());
}

}  // namespace
}  // namespace crvm
