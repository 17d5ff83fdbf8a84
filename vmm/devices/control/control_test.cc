// SPDX-License-Identifier: Apache-2.0
//
// Unit tests of the control channel, through a transport and a fake driver.

#include "vmm/devices/control/control.h"

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "vmm/devices/virtio/mmio_transport.h"
#include "vmm/devices/virtio/testing/fake_driver.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {
namespace {

constexpr int kRx = abi::kControlRxQueue;
constexpr int kTx = abi::kControlTxQueue;

// Writes down what it is told.
class Recorder : public ControlHandler {
 public:
  void OnHello(const abi::ControlHello& hello) override {
    said.push_back(absl::StrCat("hello ", hello.abi_version));
  }
  void OnLog(abi::ControlLogLevel level, absl::string_view text) override {
    said.push_back(absl::StrCat("log ", static_cast<int>(level), " ", text));
  }
  void OnExitStatus(const abi::ControlExitStatus& status) override {
    said.push_back(absl::StrCat("exit ", status.code, " ", status.signal));
  }
  void OnStopped(const abi::ControlStopped& stopped) override {
    said.push_back(absl::StrCat("stopped ", stopped.signal));
  }
  std::vector<std::string> said;
};

template <typename T>
std::string Raw(const T& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string Message(uint32_t type, const std::string& payload) {
  const abi::ControlHeader header = {type,
                                     static_cast<uint32_t>(payload.size())};
  return Raw(header) + payload;
}

class ControlTest : public testing::Test {
 protected:
  ControlTest()
      : memory_(*GuestMemory::Create(kFakeDriverMemory)),
        control_(&recorder_),
        transport_(6, &control_, &memory_, &events_),
        driver_(&transport_, &memory_) {
    driver_.Start(0);
  }

  void Say(const std::string& message) {
    driver_.queue(kTx).Offer(message, 0, 2);
    driver_.Notify(kTx);
  }

  std::string TakeMessage(FakeDriver& driver) {
    auto used = driver.queue(kRx).TakeUsed();
    return used ? driver.queue(kRx).Written(used->head, used->length) : "";
  }

  GuestMemory memory_;
  FakeEventSink events_;
  Recorder recorder_;
  Control control_;
  MmioTransport transport_;
  FakeDriver driver_;
};

TEST_F(ControlTest, HearsTheGuest) {
  Say(Message(abi::kControlHello, Raw(abi::ControlHello{3, 0})));
  Say(Message(abi::kControlLog,
              Raw(abi::ControlLog{1, 0}) + "odd \x1b[2J\n thing"));
  Say(Message(abi::kControlExitStatus,
              Raw(abi::ControlExitStatus{7, 0, 0, 0})));
  Say(Message(abi::kControlStopped, Raw(abi::ControlStopped{20, 0})));
  Say(Message(999, "from the future"));
  EXPECT_FALSE(driver_.NeedsReset());
  const std::vector<std::string> expected = {"hello 3", "log 1 odd  [2J  thing",
                                             "exit 7 0", "stopped 20"};
  EXPECT_EQ(recorder_.said, expected);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(driver_.queue(kTx).TakeUsed());
}

TEST_F(ControlTest, MalformedMessagesNeedAReset) {
  for (const std::string& message :
       {std::string("short"), Message(abi::kControlHello, "1234567"),
        Message(abi::kControlLog, "") + "tail",
        Message(abi::kControlExitStatus, "12345678"),
        Raw(abi::ControlHeader{abi::kControlHello, 0xffffffff}) + "12345678"}) {
    driver_.Start(0);
    driver_.queue(kTx).SetAvailableIndex(0);
    Say(message);
    EXPECT_TRUE(driver_.NeedsReset()) << message.size();
  }
  EXPECT_TRUE(recorder_.said.empty());
}

TEST_F(ControlTest, SendsInOrderOnceThereAreBuffers) {
  ASSERT_TRUE(control_.SendSignal(15, abi::kControlTargetProgram).ok());
  transport_.ProcessHostEvent();
  EXPECT_EQ(TakeMessage(driver_), "");
  driver_.queue(kRx).Offer("", abi::kControlMaxMessage);
  driver_.queue(kRx).Offer("", abi::kControlMaxMessage);
  driver_.Notify(kRx);
  EXPECT_EQ(TakeMessage(driver_),
            Message(abi::kControlSignal, Raw(abi::ControlSignal{15, 0})));
  ASSERT_TRUE(control_.SendSignal(2, abi::kControlTargetForeground).ok());
  EXPECT_EQ(TakeMessage(driver_), "");
  events_.TakeEvents();
  transport_.ProcessHostEvent();
  EXPECT_EQ(TakeMessage(driver_),
            Message(abi::kControlSignal, Raw(abi::ControlSignal{2, 1})));
  EXPECT_EQ(events_.TakeEvents(), 1);
}

TEST_F(ControlTest, ResumedOvertakes) {
  ASSERT_TRUE(control_.SendSignal(15, abi::kControlTargetProgram).ok());
  abi::ControlResumed resumed = {};
  resumed.generation = 4;
  ASSERT_TRUE(control_.SendResumed(resumed).ok());
  driver_.queue(kRx).Offer("", abi::kControlMaxMessage);
  driver_.Notify(kRx);
  EXPECT_EQ(TakeMessage(driver_), Message(abi::kControlResumed, Raw(resumed)));
}

TEST_F(ControlTest, TheOutboxIsBounded) {
  for (size_t i = 0; i < Control::kMaxOutbox; ++i) {
    ASSERT_TRUE(control_.SendSignal(1, abi::kControlTargetAll).ok());
  }
  EXPECT_FALSE(control_.SendSignal(1, abi::kControlTargetAll).ok());
}

TEST_F(ControlTest, SmallBuffersNeedAReset) {
  driver_.queue(kRx).Offer("", abi::kControlMaxMessage - 1);
  driver_.Notify(kRx);
  EXPECT_TRUE(driver_.NeedsReset());
}

TEST_F(ControlTest, GoesOnAfterARestore) {
  driver_.queue(kRx).Offer("", abi::kControlMaxMessage);
  driver_.Notify(kRx);
  ASSERT_TRUE(control_.SendSignal(10, abi::kControlTargetAll).ok());
  auto state = transport_.SaveState();
  ASSERT_TRUE(state.ok());

  GuestMemory memory = *GuestMemory::Create(kFakeDriverMemory);
  Control control(&recorder_);
  MmioTransport transport(6, &control, &memory, &events_);
  driver_.MoveTo(&transport, &memory);
  ASSERT_TRUE(transport.RestoreState(*state).ok());
  transport.ProcessHostEvent();
  EXPECT_EQ(TakeMessage(driver_),
            Message(abi::kControlSignal, Raw(abi::ControlSignal{10, 2})));

  for (size_t n = 0; n < state->device.size(); ++n) {
    EXPECT_FALSE(
        control.RestoreState(absl::string_view(state->device).substr(0, n))
            .ok());
  }
}

}  // namespace
}  // namespace crvm
