// SPDX-License-Identifier: Apache-2.0
//
// The drivers, streams and the console terminal against the VMM's own devices,
// both in this process: register accesses go straight to a DeviceTable, frames
// lie in a GuestMemory. Host ends are pipes.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/abi/devices.h"
#include "guestkernel/arch/random.h"
#include "guestkernel/drivers/control_channel.h"
#include "guestkernel/drivers/entropy.h"
#include "guestkernel/drivers/stream_port.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/sched/testing/kernel_test.h"
#include "guestkernel/tty/console_tty.h"
#include "guestkernel/tty/stream_file.h"
#include "vmm/devices/console/console.h"
#include "vmm/devices/control/control.h"
#include "vmm/devices/device_table.h"
#include "vmm/devices/rng/rng.h"
#include "vmm/memory/guest_memory.h"

namespace gk {
namespace {

namespace abi = crvm::abi;

// What the drivers see of the machine.
struct Machine : crvm::EventSink {
  Machine()
      : memory(*crvm::GuestMemory::Create(16 << 20)), table(&memory, this) {}
  void RaiseDeviceEvent(int) override { event = true; }

  crvm::GuestMemory memory;
  crvm::DeviceTable table;
  uint64_t next_gpa = 1 << 20;
  bool event = false;
  int accesses = 0;
  std::string entropy;
};
Machine* g_machine = nullptr;
Tty* g_console = nullptr;

}  // namespace

// ---- The kernel's other parts, as the drivers need them.

uint32_t MmioRead32(uint64_t gpa) {
  ++g_machine->accesses;
  uint32_t value = 0;
  g_machine->table.Read(
      crvm::GuestAddress(gpa),
      absl::MakeSpan(reinterpret_cast<uint8_t*>(&value), sizeof(value)));
  return value;
}
void MmioWrite32(uint64_t gpa, uint32_t value) {
  ++g_machine->accesses;
  g_machine->table.Write(
      crvm::GuestAddress(gpa),
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&value),
                          sizeof(value)));
}
FrameNumber AllocateFrames(unsigned order, FrameZeroing) {
  const FrameNumber frame(g_machine->next_gpa >> 12);
  g_machine->next_gpa += uint64_t{4096} << order;
  return frame;
}
FrameNumber AllocateFrame(FrameZeroing zeroing) {
  return AllocateFrames(0, zeroing);
}
void* FrameData(FrameNumber frame) {
  return g_machine->memory.host_base() + frame.gpa();
}
void ReleaseFrame(FrameNumber) {}
void AddEntropy(const void* seed, size_t n) {
  g_machine->entropy.assign(static_cast<const char*>(seed), n);
}
Tty* ConsoleTerminal() { return g_console; }
Result<RefPtr<File>> OpenPath(int, StringView, uint32_t, uint32_t) {
  return Error(-ENOENT);
}
Result<KString> PathOf(Dentry*, bool) { return Error(-ENOENT); }
bool ProcessGroupExists(int, int) { return true; }

namespace {

class Messages : public crvm::ControlHandler {
 public:
  void OnHello(const abi::ControlHello& hello) override {
    hello_version = hello.abi_version;
  }
  void OnLog(abi::ControlLogLevel, absl::string_view) override {}
  void OnExitStatus(const abi::ControlExitStatus& s) override {
    exit_code = s.code;
  }
  void OnStopped(const abi::ControlStopped& s) override { stopped = s.signal; }
  uint32_t hello_version = 0, exit_code = 0, stopped = 0;
};

struct HostPipe {
  HostPipe() {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    reader.reset(fds[0]);
    writer.reset(fds[1]);
  }
  std::string Read() {
    std::string all(1 << 20, 0);
    const ssize_t n = read(reader.get(), all.data(), all.size());
    all.resize(n < 0 ? 0 : n);
    return all;
  }
  crvm::UniqueFd DupWriter() { return crvm::UniqueFd(dup(writer.get())); }
  crvm::UniqueFd reader, writer;
};

absl::Span<const uint8_t> AsBytes(const std::string& text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

class DeviceTest : public KernelTest {
 protected:
  DeviceTest() {
    signal(SIGPIPE, SIG_IGN);
    g_machine = &machine_;
  }
  ~DeviceTest() override {
    g_console = nullptr;
    g_machine = nullptr;
  }
  // The vCPU after a kick: devices first, then the kernel's event hooks.
  void Kick(const std::function<void()>& hook) {
    machine_.table.ProcessHostEvents();
    if (std::exchange(machine_.event, false)) hook();
  }

  Machine machine_;
};

// ---- The terminal.

class ConsoleTtyTest : public DeviceTest {
 protected:
  ConsoleTtyTest() : device_(80, 25) {
    device_.AttachOutput(host_.DupWriter());
    machine_.table.Add(abi::kSlotConsole, &device_);
    tty_ = MakeRef<ConsoleTty>(MakeDevice(136, 0));
    EXPECT_EQ(tty_->Start(), 0);
    g_console = tty_.get();
  }
  void Type(const std::string& text) {
    EXPECT_EQ(device_.PushInput(AsBytes(text)), text.size());
    Event();
  }
  void Event() {
    Kick([this] { tty_->HandleEvent(); });
  }
  int64_t Write(std::string text) {
    UserIo io = UserIo::Kernel(text.data(), text.size());
    return tty_->Write(io, false);
  }
  std::string Read(size_t n = 10000) {
    std::string out(n, 0);
    UserIo io = UserIo::Kernel(out.data(), n);
    const int64_t result = tty_->Read(io, true);
    if (result < 0) return "error " + std::to_string(-result);
    out.resize(result);
    return out;
  }

  HostPipe host_;
  crvm::Console device_;
  RefPtr<ConsoleTty> tty_;
};

TEST_F(ConsoleTtyTest, TypesAndPrints) {
  EXPECT_EQ(tty_->window_size().columns, 80);
  EXPECT_EQ(tty_->window_size().rows, 25);
  const int before = machine_.accesses;
  EXPECT_EQ(Write("$ "), 2);
  EXPECT_EQ(machine_.accesses - before, 1);  // one exit for one write
  Type("ls\r");
  EXPECT_EQ(Read(), "ls\n");
  EXPECT_EQ(host_.Read(), "$ ls\r\n");
}

TEST_F(ConsoleTtyTest, ManyWritesAndALargeOne) {
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    const std::string line = "line " + std::to_string(i);
    EXPECT_EQ(Write(line), static_cast<int64_t>(line.size()));
    expected += line;
  }
  EXPECT_EQ(Write(std::string(40000, 'x')), 40000);
  expected += std::string(40000, 'x');
  EXPECT_EQ(host_.Read(), expected);
}

TEST_F(ConsoleTtyTest, ASlowTerminalHoldsUpTheWriter) {
  int64_t written = 0;
  const std::string text(300000, 'y');
  Thread* writer = Spawn([&] { written = Write(text); }, process());
  RunOthers();
  EXPECT_EQ(written, 0);
  EXPECT_GE(device_.OutputFdToPoll(), 0);
  std::string got;
  for (int i = 0; i < 1000 && written == 0; ++i) {
    got += host_.Read();
    device_.OutputReady();
    Event();
    RunOthers();
  }
  Join(writer);
  EXPECT_EQ(written, 300000);
  for (int i = 0; i < 100 && got.size() < text.size(); ++i) {
    got += host_.Read();
    device_.OutputReady();
    Event();
  }
  EXPECT_EQ(got, text);
}

TEST_F(ConsoleTtyTest, UnreadInputStaysInOrder) {
  Termios t;
  ASSERT_EQ(tty_->Ioctl(0x5401 /*TCGETS*/, reinterpret_cast<uint64_t>(&t)), 0);
  t.lflag &= ~(kICanon | kEcho);
  ASSERT_EQ(tty_->Ioctl(0x5402 /*TCSETS*/, reinterpret_cast<uint64_t>(&t)), 0);
  std::string text;
  for (int i = 0; i < 10000; ++i) text += std::to_string(i);
  Type(text);  // far more than the line discipline and the buffers hold
  std::string got;
  while (got.size() < text.size()) {
    const std::string piece = Read(1000);
    ASSERT_EQ(piece.find("error"), std::string::npos) << got.size();
    got += piece;
    Event();
  }
  EXPECT_EQ(got, text);
}

TEST_F(ConsoleTtyTest, ResizeAndHangup) {
  device_.SetWindowSize(132, 50);
  Event();
  EXPECT_EQ(tty_->window_size().columns, 132);
  device_.PushEof();
  Event();
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(Write("x"), -EIO);
}

// ---- Streams.

class StreamTest : public DeviceTest {
 protected:
  StreamTest() : in_(abi::kStreamPipe), out_(abi::kStreamPipe) {
    out_.AttachOutput(host_.DupWriter());
    machine_.table.Add(abi::kSlotStdin, &in_);
    machine_.table.Add(abi::kSlotStdout, &out_);
    EXPECT_EQ(in_port_.Start(), 0);
    EXPECT_EQ(out_port_.Start(), 0);
    stdin_ = MakeRef<StreamFile>(&in_port_, kOpenReadOnly, 1);
    stdout_ = MakeRef<StreamFile>(&out_port_, kOpenWriteOnly, 2);
  }
  void Event() {
    Kick([this] {
      in_port_.HandleEvent();
      out_port_.HandleEvent();
    });
  }
  int64_t Write(std::string text) {
    UserIo io = UserIo::Kernel(text.data(), text.size());
    return stdout_->Write(io);
  }
  std::string Read(size_t n = 10000) {
    std::string out(n, 0);
    UserIo io = UserIo::Kernel(out.data(), n);
    const int64_t result = stdin_->Read(io);
    if (result < 0) return "error " + std::to_string(-result);
    out.resize(result);
    return out;
  }

  HostPipe host_;
  crvm::Console in_, out_;
  StreamPort in_port_{abi::kSlotStdin}, out_port_{abi::kSlotStdout};
  RefPtr<StreamFile> stdin_, stdout_;
};

TEST_F(StreamTest, WritesReachTheHostAtOnce) {
  const int before = machine_.accesses;
  EXPECT_EQ(Write("hello"), 5);
  EXPECT_EQ(machine_.accesses - before, 1);
  EXPECT_EQ(host_.Read(), "hello");
  EXPECT_TRUE(stdout_->Poll(nullptr) & kPollOut);
}

TEST_F(StreamTest, ABrokenPipeIsAnErrorAndASignal) {
  host_.reader.reset();
  main_thread()->blocked.Add(SIGPIPE);
  EXPECT_EQ(Write("x"), -EPIPE);
  EXPECT_TRUE(main_thread()->pending.set().Has(SIGPIPE));
  main_thread()->pending.Discard(SignalSet{~0ull});
}

TEST_F(StreamTest, ASlowReaderHoldsUpTheWriter) {
  const std::string text(500000, 'z');
  int64_t written = 0;
  Thread* writer = Spawn([&] { written = Write(text); }, process());
  RunOthers();
  EXPECT_EQ(written, 0);
  std::string got;
  for (int i = 0; i < 1000 && got.size() < text.size(); ++i) {
    got += host_.Read();
    out_.OutputReady();
    Event();
    RunOthers();
  }
  Join(writer);
  EXPECT_EQ(written, 500000);
  EXPECT_EQ(got, text);
}

TEST_F(StreamTest, ALateErrorIsToldAtTheNextWrite) {
  stdout_->set_flags(kOpenWriteOnly | kOpenNonblock);
  const std::string text(100000, 'z');
  const int64_t accepted = Write(text);
  EXPECT_GT(accepted, 65535);
  EXPECT_EQ(Write("x"), -EAGAIN);
  EXPECT_FALSE(stdout_->Poll(nullptr) & kPollOut);
  host_.reader.reset();
  out_.OutputReady();
  Event();
  main_thread()->blocked.Add(SIGPIPE);
  EXPECT_TRUE(stdout_->Poll(nullptr) & kPollErr);
  EXPECT_EQ(Write("x"), -EPIPE);
  main_thread()->pending.Discard(SignalSet{~0ull});
}

TEST_F(StreamTest, ReadsAskForInput) {
  EXPECT_EQ(in_.InputSpace(), 0u);
  std::string got;
  Thread* reader = Spawn([&] { got = Read(5); }, process());
  RunOthers();
  EXPECT_GT(in_.InputSpace(), 0u);
  EXPECT_EQ(in_.PushInput(AsBytes("hello world")), 11u);
  Event();
  Join(reader);
  EXPECT_EQ(got, "hello");
  EXPECT_TRUE(stdin_->Poll(nullptr) & kPollIn);
  EXPECT_EQ(Read(), " world");
}

TEST_F(StreamTest, EndOfInputIsForGood) {
  stdin_->set_flags(kOpenReadOnly | kOpenNonblock);
  EXPECT_EQ(Read(), "error 11");
  EXPECT_EQ(in_.PushInput(AsBytes("last")), 4u);
  in_.PushEof();
  Event();
  EXPECT_EQ(Read(), "last");
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(Read(), "");
  EXPECT_TRUE(stdin_->Poll(nullptr) & kPollHup);
}

TEST_F(StreamTest, SurvivesASnapshotWithDataOnItsWay) {
  stdout_->set_flags(kOpenWriteOnly | kOpenNonblock);
  const int64_t accepted = Write(std::string(100000, 'q'));
  Read(0);
  stdin_->set_flags(kOpenReadOnly | kOpenNonblock);
  EXPECT_EQ(Read(), "error 11");  // asks
  auto state = machine_.table.SaveState();
  ASSERT_TRUE(state.ok()) << state.status();
  std::string got = host_.Read();

  // The same memory in a new VMM.
  Machine resumed;
  std::memcpy(resumed.memory.host_base(), machine_.memory.host_base(),
              machine_.memory.size());
  crvm::Console in(abi::kStreamPipe), out(abi::kStreamPipe);
  HostPipe new_host;
  out.AttachOutput(new_host.DupWriter());
  resumed.table.Add(abi::kSlotStdin, &in);
  resumed.table.Add(abi::kSlotStdout, &out);
  ASSERT_TRUE(resumed.table.RestoreState(*state).ok());
  EXPECT_GT(in.InputSpace(), 0u);
  in.PushInput(AsBytes("after"));
  // The rings are at the same guest addresses; the drivers' own pointers are
  // not, in this test: so only the host's side is looked at.
  resumed.table.ProcessHostEvents();
  EXPECT_TRUE(resumed.event);
  got += new_host.Read();
  EXPECT_EQ(got, std::string(accepted, 'q'));
}

// ---- Control and entropy.

TEST_F(DeviceTest, ControlAndEntropy) {
  Messages messages;
  crvm::Control control(&messages);
  crvm::Rng rng;
  machine_.table.Add(abi::kSlotControl, &control);
  machine_.table.Add(abi::kSlotRng, &rng);

  EntropyReseed();
  EXPECT_EQ(machine_.entropy.size(), 64u);
  EXPECT_NE(machine_.entropy, std::string(64, 0));

  ASSERT_EQ(ControlStart(), 0);
  EXPECT_EQ(messages.hello_version, abi::kAbiVersion);
  ControlSendStopped(SIGTSTP);
  EXPECT_EQ(messages.stopped, static_cast<uint32_t>(SIGTSTP));
  for (uint32_t i = 1; i <= 100; ++i) {
    const abi::ControlExitStatus status = {i, 0, 0, 0};
    ControlSend(abi::kControlExitStatus, &status, sizeof(status));
    EXPECT_EQ(messages.exit_code, i);
  }

  main_thread()->blocked.bits = ~0ull;
  ASSERT_TRUE(control.SendSignal(SIGTERM, abi::kControlTargetProgram).ok());
  ASSERT_TRUE(control.SendSignal(SIGINT, abi::kControlTargetForeground).ok());
  Kick(&ControlHandleEvent);
  EXPECT_TRUE(process()->pending.set().Has(SIGTERM));
  EXPECT_TRUE(process()->pending.set().Has(SIGINT));  // no terminal
  process()->pending.Discard(SignalSet{~0ull});

  abi::ControlResumed resumed = {};
  resumed.generation = 7;
  memset(resumed.entropy_seed, 's', sizeof(resumed.entropy_seed));
  ASSERT_TRUE(control.SendResumed(resumed).ok());
  Kick(&ControlHandleEvent);
  EXPECT_EQ(ResumeGeneration(), 7u);
  EXPECT_EQ(machine_.entropy, std::string(32, 's'));
  for (int i = 0; i < 50; ++i) {  // more than there are buffers
    ASSERT_TRUE(control.SendSignal(10, abi::kControlTargetAll).ok());
  }
  for (int i = 0; i < 20; ++i) Kick(&ControlHandleEvent);
  EXPECT_TRUE(process()->pending.set().Has(10));
  process()->pending.Discard(SignalSet{~0ull});
}

}  // namespace
}  // namespace gk
