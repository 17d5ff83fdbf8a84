// SPDX-License-Identifier: Apache-2.0
//
// Boot: the VMM's terminal and streams, the terminal device numbers, and the
// program's first three descriptors.
#include "guestkernel/arch/arch.h"
#include "guestkernel/drivers/stream_port.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/thread.h"
#include "guestkernel/tty/console_tty.h"
#include "guestkernel/tty/pty.h"
#include "guestkernel/tty/pty_table.h"
#include "guestkernel/tty/stream_file.h"
#include "guestkernel/tty/tty.h"

namespace gk {

namespace abi = crvm::abi;

namespace {

// Documentation/admin-guide/devices.txt: 5 char, alternate TTY devices.
constexpr uint32_t kTtyAuxMajor = 5;
enum { kCurrentTtyMinor = 0, kConsoleMinor = 1, kPtmxMinor = 2 };

ConsoleTty* g_console = nullptr;  // lives as long as the kernel
StreamPort* g_streams[3] = {};

void OnDeviceEvent() {
  if (g_console) g_console->HandleEvent();
  for (StreamPort* stream : g_streams) {
    if (stream) stream->HandleEvent();
  }
}

Result<RefPtr<File>> OpenAuxiliary(uint64_t rdev, uint32_t flags) {
  switch (DeviceMinor(rdev)) {
    case kCurrentTtyMinor:
      if (!CurrentProcess()->tty) return Error(-ENXIO);
      return OpenTty(CurrentProcess()->tty, flags | kOpenNoCtty);
    case kConsoleMinor:
      if (!g_console) return Error(-ENXIO);
      return OpenTty(RefPtr<Tty>(g_console), flags | kOpenNoCtty);
    case kPtmxMinor:
      return OpenPtyMaster(flags);
    default:
      return Error(-ENXIO);
  }
}

Result<RefPtr<File>> OpenPtsDevice(uint64_t rdev, uint32_t flags) {
  const uint32_t number =
      (DeviceMajor(rdev) - kPtsMajor) * 256 + DeviceMinor(rdev);
  Tty* tty = FindPty(number);
  if (!tty) return Error(-EIO);
  return OpenTty(RefPtr<Tty>(tty), flags);
}

int RegisterDevices() {
  GK_RETURN_IF_ERROR(RegisterCharDevice(kTtyAuxMajor, 0, 3, &OpenAuxiliary));
  for (uint32_t i = 0; i < kPtsMajorCount; ++i) {
    GK_RETURN_IF_ERROR(
        RegisterCharDevice(kPtsMajor + i, 0, 256, &OpenPtsDevice));
  }
  return 0;
}

// -ENODEV: the VMM gave no terminal.
int StartConsole() {
  ConsoleTty* console = new (std::nothrow) ConsoleTty(PtsDevice(0));
  if (!console) return -ENOMEM;
  if (int error = console->Start()) {
    console->Release();
    return error;
  }
  uint32_t number = 0;
  GK_ASSIGN_OR_RETURN(number, TakePtyNumber());
  GK_ASSERT(number == 0);
  SetPty(number, console);
  const abi::BootInfo& boot = GetBootInfo();
  console->node().uid = boot.uid;
  console->node().changed_ns = RealtimeNs();
  g_console = console;
  return 0;
}

// Null when out of memory. The device is started when it is first used: each
// register costs an exit, and many programs use one stream of three.
StreamPort* NewStream(uint32_t fd) {
  return new (std::nothrow)
      StreamPort(static_cast<abi::DeviceSlot>(abi::kSlotStdin + fd));
}

Result<RefPtr<File>> OpenConsoleFile() {
  // By its name, so that ttyname(3) finds it.
  auto file = OpenPath(kAtFdCwd, "/dev/pts/0", kOpenReadWrite | kOpenNoCtty, 0);
  if (file.ok()) return file;
  return OpenTty(RefPtr<Tty>(g_console), kOpenReadWrite | kOpenNoCtty);
}

Result<RefPtr<File>> OpenStream(uint32_t fd) {
  if (GetBootInfo().stream_kind[fd] == abi::kStreamNone) return RefPtr<File>();
  StreamPort* port = g_streams[fd] = NewStream(fd);
  if (!port) return Error(-ENOMEM);
  auto file = MakeRef<StreamFile>(
      port, fd == 0 ? kOpenReadOnly : kOpenWriteOnly, fd + 1);
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

}  // namespace

void TtyInit() {
  if (RegisterDevices()) Panic("no memory for the terminal devices");
  const uint32_t* kinds = GetBootInfo().stdio_kind;
  const auto tty = static_cast<uint32_t>(abi::StdioKind::kTty);
  if (kinds[0] == tty || kinds[1] == tty || kinds[2] == tty) {
    if (int error = StartConsole()) Panic("console does not start: %d", error);
  }
  AddDeviceEventHook(&OnDeviceEvent);
}

Tty* ConsoleTerminal() { return g_console; }

int OpenStdio(RefPtr<File> files[3]) {
  RefPtr<File> terminal;  // one open file for all three, as a shell gives it
  if (g_console) {
    // Nobody else can have it yet.
    GK_RETURN_IF_ERROR(g_console->Acquire(CurrentProcess(), false));
  }
  for (uint32_t fd = 0; fd < 3; ++fd) {
    if (GetBootInfo().stdio_kind[fd] ==
        static_cast<uint32_t>(abi::StdioKind::kStream)) {
      GK_ASSIGN_OR_RETURN(files[fd], OpenStream(fd));
      continue;
    }
    if (!g_console) return -ENODEV;
    if (!terminal) {
      GK_ASSIGN_OR_RETURN(terminal, OpenConsoleFile());
    }
    files[fd] = terminal;
  }
  return 0;
}

}  // namespace gk
