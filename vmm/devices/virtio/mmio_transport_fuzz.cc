// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes MmioTransport, with a device under it: the input is a script of
// register accesses and memory writes by a hostile driver, with a save and
// restore now and then.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "guestkernel/abi/virtio.h"
#include "vmm/base/log.h"
#include "vmm/base/state_codec.h"
#include "vmm/devices/console/console.h"
#include "vmm/devices/virtio/event_sink.h"
#include "vmm/devices/virtio/mmio_transport.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {
namespace {

constexpr uint64_t kMemory = 64 << 10;

class NoEvents : public EventSink {
 public:
  void RaiseDeviceEvent(int) override {}
};

// Each step of the script.
struct Step {
  uint8_t what;
  uint8_t reg;
  uint16_t at;
  uint32_t value;
};
static_assert(sizeof(Step) == 8);

void SaveAndRestore(MmioTransport& transport) {
  auto state = transport.SaveState();
  if (!state.ok()) abort();
  StateWriter writer;
  Encode(*state, writer);
  const std::string bytes = writer.Take();
  StateReader reader(bytes);
  auto decoded = DecodeMmioTransportState(reader);
  if (!decoded.ok()) abort();
  // The guest may have spoiled its rings meanwhile: that is a status.
  (void)transport.RestoreState(*decoded);
}

void Run(MmioTransport& transport, GuestMemory& memory, Console& console,
         const Step& step) {
  uint32_t value = step.value;
  uint8_t* bytes = reinterpret_cast<uint8_t*>(&value);
  const uint64_t offset = uint64_t{step.reg} * 4;
  switch (step.what % 8) {
    case 0:
    case 1:
    case 2:
      transport.Write(offset, absl::MakeConstSpan(bytes, sizeof(value)));
      break;
    case 3:
      transport.Read(offset, absl::MakeSpan(bytes, sizeof(value)));
      break;
    case 4:
      transport.Read(step.at, absl::MakeSpan(bytes, step.value % 5));
      break;
    case 5:
      (void)memory.Write(GuestAddress(step.at), value);
      break;
    case 6:
      console.PushInput(absl::MakeConstSpan(bytes, sizeof(value)));
      if (step.value % 16 == 0) console.PushEof();
      console.SetWindowSize(step.at, step.value);
      transport.ProcessHostEvent();
      break;
    case 7:
      SaveAndRestore(transport);
      break;
  }
}

int Fuzz(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  SetMinLogLevel(LogLevel::ERROR);
  static GuestMemory* const memory =
      new GuestMemory(*GuestMemory::Create(kMemory));
  std::memset(memory->host_base(), 0, kMemory);
  NoEvents events;
  const bool is_stream = (data[0] & 1) != 0;
  Console tty(80, 25), stream(abi::kStreamPipe);
  Console& console = is_stream ? stream : tty;
  MmioTransport transport(0, &console, memory, &events);
  if (data[0] & 2) {  // Most bytes go further from a started device.
    const Step start[] = {{0, 0x70 / 4, 0, 3},      {0, 0x24 / 4, 0, 1},
                          {0, 0x20 / 4, 0, 1},      {0, 0x70 / 4, 0, 11},
                          {0, 0x38 / 4, 0, 16},     {0, 0x80 / 4, 0, 0x100},
                          {0, 0x90 / 4, 0, 0x400},  {0, 0xa0 / 4, 0, 0x800},
                          {0, 0x44 / 4, 0, 1},      {0, 0x30 / 4, 0, 1},
                          {0, 0x38 / 4, 0, 16},     {0, 0x80 / 4, 0, 0x1100},
                          {0, 0x90 / 4, 0, 0x1400}, {0, 0xa0 / 4, 0, 0x1800},
                          {0, 0x44 / 4, 0, 1},      {0, 0x70 / 4, 0, 15}};
    for (const Step& step : start) Run(transport, *memory, console, step);
  }
  for (size_t at = 1; at + sizeof(Step) <= size; at += sizeof(Step)) {
    Step step;
    std::memcpy(&step, data + at, sizeof(step));
    Run(transport, *memory, console, step);
  }
  return 0;
}

}  // namespace
}  // namespace crvm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return crvm::Fuzz(data, size);
}
