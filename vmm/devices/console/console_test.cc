// SPDX-License-Identifier: Apache-2.0
//
// Unit tests of both flavours of the console, through a transport and a fake
// driver, with pipes as the host's end.

#include "vmm/devices/console/console.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/devices/virtio/mmio_transport.h"
#include "vmm/devices/virtio/testing/fake_driver.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {
namespace {

constexpr int kRx = abi::kConsoleRxQueue;
constexpr int kTx = abi::kConsoleTxQueue;

absl::Span<const uint8_t> AsBytes(const std::string& text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

// One machine with one console, and the host's end of its output.
struct Rig {
  explicit Rig(std::unique_ptr<Console> device)
      : memory(*GuestMemory::Create(kFakeDriverMemory)),
        console(std::move(device)),
        transport(0, console.get(), &memory, &events),
        driver(&transport, &memory) {
    console->set_interest_callback([this] { ++interest; });
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    host_reader.reset(fds[0]);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    host_writer.reset(fds[1]);
  }

  void AttachPipe() { console->AttachOutput(UniqueFd(dup(host_writer.get()))); }

  std::string ReadHost() {
    std::string all(1 << 20, 0);
    const ssize_t n = read(host_reader.get(), all.data(), all.size());
    all.resize(n < 0 ? 0 : n);
    return all;
  }

  // Pushes all of `text`, as the main thread would.
  void Type(const std::string& text) {
    EXPECT_EQ(console->PushInput(AsBytes(text)), text.size());
    transport.ProcessHostEvent();
  }

  std::string TakeRx() {
    auto used = driver.queue(kRx).TakeUsed();
    if (!used) return "(nothing)";
    return driver.queue(kRx).Written(used->head, used->length);
  }

  // A stream's tx result, if one has come.
  std::optional<abi::StreamTxResult> TakeResult() {
    auto used = driver.queue(kTx).TakeUsed();
    if (!used) return std::nullopt;
    EXPECT_EQ(used->length, sizeof(abi::StreamTxResult));
    const std::string bytes = driver.queue(kTx).Written(used->head, 8);
    abi::StreamTxResult result;
    memcpy(&result, bytes.data(), sizeof(result));
    return result;
  }

  GuestMemory memory;
  FakeEventSink events;
  std::unique_ptr<Console> console;
  MmioTransport transport;
  FakeDriver driver;
  UniqueFd host_reader;
  UniqueFd host_writer;
  int interest = 0;
};

Rig MakeTty() { return Rig(std::make_unique<Console>(80, 25)); }
Rig MakeStream() { return Rig(std::make_unique<Console>(abi::kStreamPipe)); }

class ConsoleTest : public testing::Test {
 protected:
  void SetUp() override { signal(SIGPIPE, SIG_IGN); }
};

TEST_F(ConsoleTest, TtyWritesInOrder) {
  Rig rig = MakeTty();
  rig.AttachPipe();
  rig.driver.Start(abi::kVirtioConsoleFSize);
  rig.driver.queue(kTx).Offer("one ", 0, 2);
  rig.driver.queue(kTx).Offer("two ", 0);
  rig.driver.Notify(kTx);
  rig.driver.queue(kTx).Offer("three", 0);
  rig.driver.Notify(kTx);
  EXPECT_EQ(rig.ReadHost(), "one two three");
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(rig.driver.queue(kTx).TakeUsed().has_value());
  }
  EXPECT_TRUE(rig.console->OutputIsDrained());
}

TEST_F(ConsoleTest, TtyOutputWaitsUntilAttached) {
  Rig rig = MakeTty();
  rig.driver.Start(0);
  rig.driver.queue(kTx).Offer("early", 0);
  rig.driver.Notify(kTx);
  EXPECT_FALSE(rig.console->OutputIsDrained());
  EXPECT_EQ(rig.console->OutputFdToPoll(), -1);
  rig.AttachPipe();
  rig.transport.ProcessHostEvent();
  EXPECT_EQ(rig.ReadHost(), "early");
}

TEST_F(ConsoleTest, TtyOutputToAGoneTerminalIsSwallowed) {
  Rig rig = MakeTty();
  rig.AttachPipe();
  rig.host_reader.reset();
  rig.driver.Start(0);
  rig.driver.queue(kTx).Offer("lost", 0);
  rig.driver.Notify(kTx);
  EXPECT_TRUE(rig.driver.queue(kTx).TakeUsed().has_value());
  EXPECT_FALSE(rig.driver.NeedsReset());
}

TEST_F(ConsoleTest, InputFillsBuffersAndWaitsForMore) {
  Rig rig = MakeTty();
  rig.driver.Start(0);
  EXPECT_EQ(rig.console->InputSpace(), Console::kInputCapacity);
  rig.Type("before any buffer");
  rig.driver.queue(kRx).Offer("", 6);
  rig.driver.Notify(kRx);
  EXPECT_EQ(rig.TakeRx(), "before");
  rig.events.TakeEvents();
  rig.driver.queue(kRx).Offer("", 100, 4);
  rig.driver.Notify(kRx);
  EXPECT_EQ(rig.TakeRx(), " any buffer");
  EXPECT_EQ(rig.events.TakeEvents(), 1);
  rig.driver.queue(kRx).Offer("", 100);
  rig.driver.Notify(kRx);
  EXPECT_EQ(rig.TakeRx(), "(nothing)");
  rig.Type("x");
  EXPECT_EQ(rig.TakeRx(), "x");
}

TEST_F(ConsoleTest, InputHasBackPressure) {
  Rig rig = MakeTty();
  rig.driver.Start(0);
  const std::string much(Console::kInputCapacity + 100, 'x');
  EXPECT_EQ(rig.console->PushInput(AsBytes(much)), Console::kInputCapacity);
  EXPECT_EQ(rig.console->InputSpace(), 0u);
  EXPECT_EQ(rig.interest, 0);
  rig.driver.queue(kRx).Offer("", 4096);
  rig.driver.Notify(kRx);
  EXPECT_EQ(rig.interest, 1);
  EXPECT_EQ(rig.console->InputSpace(), 4096u);
}

TEST_F(ConsoleTest, WindowSizeChangesAreTold) {
  Rig rig = MakeTty();
  rig.driver.Start(abi::kVirtioConsoleFSize);
  EXPECT_EQ(rig.driver.Get(abi::kVirtioConfig), 25u << 16 | 80);
  rig.console->SetWindowSize(132, 50);
  EXPECT_EQ(rig.driver.Get(abi::kVirtioConfig), 25u << 16 | 80);
  rig.transport.ProcessHostEvent();
  EXPECT_EQ(rig.driver.Get(abi::kVirtioConfig), 50u << 16 | 132);
  EXPECT_EQ(rig.driver.Get(abi::kVirtioInterruptStatus),
            abi::kVirtioInterruptConfigChange);
  rig.events.TakeEvents();
  rig.console->SetWindowSize(132, 50);
  rig.transport.ProcessHostEvent();
  EXPECT_EQ(rig.events.TakeEvents(), 0);
}

TEST_F(ConsoleTest, StreamReportsSuccessAndBrokenPipes) {
  Rig rig = MakeStream();
  rig.AttachPipe();
  rig.driver.Start(abi::kCrvmStream);
  EXPECT_EQ(rig.driver.Get(abi::kVirtioConfig + 12), abi::kStreamPipe);
  rig.driver.queue(kTx).Offer("data", 8);
  rig.driver.Notify(kTx);
  auto result = rig.TakeResult();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error, 0u);
  EXPECT_EQ(result->bytes, 4u);
  EXPECT_EQ(rig.ReadHost(), "data");

  rig.host_reader.reset();
  rig.driver.queue(kTx).Offer("more", 8);
  rig.driver.Notify(kTx);
  result = rig.TakeResult();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error, static_cast<uint32_t>(EPIPE));
  EXPECT_EQ(result->bytes, 0u);
}

TEST_F(ConsoleTest, AClosedStreamIsABadDescriptor) {
  Rig rig(std::make_unique<Console>(abi::kStreamNone));
  rig.driver.Start(abi::kCrvmStream);
  rig.driver.queue(kTx).Offer("data", 8);
  rig.driver.Notify(kTx);
  EXPECT_EQ(rig.TakeResult()->error, static_cast<uint32_t>(EBADF));
}

TEST_F(ConsoleTest, AStreamChainNeedsRoomForItsResult) {
  Rig rig = MakeStream();
  rig.driver.Start(abi::kCrvmStream);
  rig.driver.queue(kTx).Offer("data", 7);
  rig.driver.Notify(kTx);
  EXPECT_TRUE(rig.driver.NeedsReset());
}

TEST_F(ConsoleTest, ASlowReaderKeepsChainsPendingAndTheCallReturns) {
  Rig rig = MakeStream();
  rig.AttachPipe();
  rig.driver.Start(abi::kCrvmStream);
  std::string expected;
  for (int i = 0; i < 5; ++i) {
    const std::string chunk(5 * FakeQueue::kDataBytes, 'a' + i);
    rig.driver.queue(kTx).Offer(chunk, 8, 5);
    expected += chunk;
    rig.driver.Notify(kTx);
    while (rig.TakeResult()) {
    }
    if (i == 2) break;  // 60 KiB fit; more descriptors than the ring has
  }
  rig.driver.queue(kTx).Offer(std::string(4096, 'y'), 8);
  rig.driver.queue(kTx).Offer(std::string(4096, 'z'), 8);
  rig.driver.Notify(kTx);
  expected += std::string(4096, 'y') + std::string(4096, 'z');
  const int fd = rig.console->OutputFdToPoll();
  ASSERT_GE(fd, 0);
  EXPECT_EQ(rig.interest, 1);
  EXPECT_FALSE(rig.console->OutputIsDrained());
  std::string got = rig.ReadHost();
  pollfd wanted = {fd, POLLOUT, 0};
  EXPECT_EQ(poll(&wanted, 1, 0), 1);
  rig.console->OutputReady();
  EXPECT_EQ(rig.console->OutputFdToPoll(), -1);
  rig.transport.ProcessHostEvent();
  got += rig.ReadHost();
  EXPECT_EQ(got, expected);
  EXPECT_TRUE(rig.console->OutputIsDrained());
  int results = 0;
  for (auto result = rig.TakeResult(); result; result = rig.TakeResult()) {
    EXPECT_EQ(result->error, 0u);
    ++results;
  }
  EXPECT_GE(results, 1);
}

TEST_F(ConsoleTest, AStreamOnlyAsksForWhatTheGuestWants) {
  Rig rig = MakeStream();
  rig.driver.Start(abi::kCrvmStream);
  EXPECT_EQ(rig.console->InputSpace(), 0u);
  EXPECT_EQ(rig.console->PushInput(AsBytes("unwanted")), 0u);
  rig.driver.queue(kRx).Offer("", 10);
  rig.driver.Notify(kRx);
  EXPECT_EQ(rig.interest, 1);
  EXPECT_EQ(rig.console->InputSpace(), 10u);
  rig.Type("abc");
  EXPECT_EQ(rig.TakeRx(), "abc");
  EXPECT_EQ(rig.console->InputSpace(), 0u);
}

TEST_F(ConsoleTest, EndOfFileComesAfterTheDataAndOnce) {
  Rig rig = MakeStream();
  rig.driver.Start(abi::kCrvmStream);
  rig.driver.queue(kRx).Offer("", 10);
  rig.driver.queue(kRx).Offer("", 10);
  rig.driver.queue(kRx).Offer("", 10);
  rig.driver.Notify(kRx);
  EXPECT_EQ(rig.console->PushInput(AsBytes("last")), 4u);
  rig.console->PushEof();
  rig.transport.ProcessHostEvent();
  EXPECT_EQ(rig.TakeRx(), "last");
  EXPECT_EQ(rig.TakeRx(), "");
  EXPECT_EQ(rig.TakeRx(), "(nothing)");
  EXPECT_EQ(rig.console->InputSpace(), 0u);
}

TEST_F(ConsoleTest, ARestoredStreamGoesOnInTheMiddleOfAChain) {
  Rig rig = MakeStream();
  rig.AttachPipe();
  fcntl(rig.host_writer.get(), F_SETPIPE_SZ, 4096);
  rig.driver.Start(abi::kCrvmStream);
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(10000 + i);
  rig.driver.queue(kTx).Offer(text, 8, 3);
  rig.driver.queue(kTx).Offer("the end", 8);
  rig.driver.Notify(kTx);
  rig.driver.queue(kRx).Offer("", 100);
  rig.driver.Notify(kRx);
  EXPECT_EQ(rig.console->PushInput(AsBytes("typed")), 5u);  // not delivered
  std::string got = rig.ReadHost();
  ASSERT_EQ(got.size(), 4096u);

  auto state = rig.transport.SaveState();
  ASSERT_TRUE(state.ok());
  Rig resumed = MakeStream();
  rig.driver.MoveTo(&resumed.transport, &resumed.memory);
  std::swap(rig.driver, resumed.driver);
  ASSERT_TRUE(resumed.transport.RestoreState(*state).ok());
  EXPECT_FALSE(resumed.console->OutputIsDrained());
  resumed.AttachPipe();
  resumed.transport.ProcessHostEvent();
  got += resumed.ReadHost();
  EXPECT_EQ(got, text + "the end");
  EXPECT_EQ(resumed.TakeResult()->bytes, text.size());
  EXPECT_EQ(resumed.TakeResult()->bytes, 7u);
  EXPECT_EQ(resumed.TakeRx(), "typed");
}

TEST_F(ConsoleTest, StateSurvivesARoundTrip) {
  ConsoleState state;
  state.cols = 3;
  state.rows = 4;
  state.is_stream = true;
  state.eof = true;
  state.input = {1, 2, 3};
  state.rx_heads = {5, 6};
  state.output = {{7, 8}, {9, 10}};
  StateWriter writer;
  Encode(state, writer);
  const std::string bytes = writer.Take();
  StateReader reader(bytes);
  auto decoded = DecodeConsoleState(reader);
  ASSERT_TRUE(decoded.ok());
  EXPECT_TRUE(reader.ExpectEnd().ok());
  StateWriter again;
  Encode(*decoded, again);
  EXPECT_EQ(again.Take(), bytes);
  for (size_t n = 0; n < bytes.size(); ++n) {
    StateReader truncated(absl::string_view(bytes).substr(0, n));
    EXPECT_FALSE(DecodeConsoleState(truncated).ok()) << n;
  }
}

TEST_F(ConsoleTest, RefusesHostileStates) {
  Rig rig = MakeStream();
  rig.driver.Start(abi::kCrvmStream);
  ConsoleState state;
  EXPECT_FALSE(rig.console->Restore(state).ok());  // a tty's
  state.is_stream = true;
  EXPECT_TRUE(rig.console->Restore(state).ok());
  state.rx_heads = {1};  // nothing is in flight
  EXPECT_FALSE(rig.console->Restore(state).ok());
  state.rx_heads.clear();
  state.output = {{1, 0}};
  EXPECT_FALSE(rig.console->Restore(state).ok());
}

TEST_F(ConsoleTest, TheMainThreadMayPushWhileTheGuestRuns) {
  Rig rig = MakeTty();
  rig.AttachPipe();
  rig.driver.Start(0);
  constexpr int kBytes = 200000;
  std::thread main_thread([&] {
    for (int sent = 0; sent < kBytes;) {
      const std::string chunk(std::min(777, kBytes - sent), 'k');
      sent += rig.console->PushInput(AsBytes(chunk));
      rig.console->SetWindowSize(sent & 0xff, 25);
      rig.console->OutputReady();
    }
  });
  int received = 0;
  while (received < kBytes) {
    rig.driver.queue(kRx).Offer("", 1000);
    rig.driver.Notify(kRx);
    for (;;) {
      rig.transport.ProcessHostEvent();
      auto used = rig.driver.queue(kRx).TakeUsed();
      if (!used) continue;
      received += used->length;
      break;
    }
  }
  main_thread.join();
  EXPECT_EQ(received, kBytes);
}

}  // namespace
}  // namespace crvm
