// SPDX-License-Identifier: Apache-2.0
//
// See control_channel.h.
#include "guestkernel/drivers/control_channel.h"

#include "guestkernel/abi/layout.h"
#include "guestkernel/arch/random.h"
#include "guestkernel/drivers/external_input.h"
#include "guestkernel/drivers/virtio_device.h"
#include "guestkernel/drivers/virtio_queue.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/lib/string.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/tty/tty.h"

namespace gk {

namespace abi = crvm::abi;

namespace {

constexpr uint16_t kQueueSize = 16;
constexpr int kInputPages = 4;

struct ControlChannel {
  VirtioDevice device;
  VirtioQueue queues[2];
  FrameNumber input[kInputPages];
  FrameNumber output;
  uint64_t generation = 0;
};
constinit ControlChannel g_control;

void PostInput(FrameNumber& page) {
  const VirtioBuffer buffer = {page.gpa(), abi::kControlMaxMessage};
  if (g_control.queues[abi::kControlRxQueue].Submit(nullptr, 0, &buffer, 1,
                                                    &page)) {
    Panic("control: the input queue is full");
  }
}

void SignalAll(int signo) {
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    if (p != InitProcess()) SendSignalToProcess(p, signo, nullptr);
  }
}

void OnSignal(const abi::ControlSignal& message) {
  if (message.signal < 1 || message.signal > kSignalCount) return;
  const int signo = static_cast<int>(message.signal);
  Tty* console = ConsoleTerminal();
  switch (message.target) {
    case abi::kControlTargetForeground:
      if (console && console->foreground_group() > 0) {
        console->SignalForeground(signo);
        return;
      }
      break;
    case abi::kControlTargetAll:
      SignalAll(signo);
      return;
    default:
      break;
  }
  if (Process* program = MainProcess()) {
    SendSignalToProcess(program, signo, nullptr);
  }
}

// The VMM speaks the same abi version, so a message is never shorter than its
// struct.
template <typename T>
T Payload(const uint8_t* message) {
  T value;
  memcpy(&value, message + sizeof(abi::ControlHeader), sizeof(value));
  return value;
}

void OnMessage(const uint8_t* message) {
  abi::ControlHeader header;
  memcpy(&header, message, sizeof(header));
  switch (header.type) {
    case abi::kControlSignal:
      OnSignal(Payload<abi::ControlSignal>(message));
      break;
    case abi::kControlResumed: {
      const auto resumed = Payload<abi::ControlResumed>(message);
      g_control.generation = resumed.generation;
      AddEntropy(resumed.entropy_seed, sizeof(resumed.entropy_seed));
      break;
    }
    default:  // newer than this kernel
      break;
  }
}

}  // namespace

int ControlStart() {
  if (g_control.device.started()) return 0;
  for (FrameNumber& page : g_control.input) {
    if (page.is_null()) page = AllocateFrame(FrameZeroing::kUndefined);
    if (page.is_null()) return -ENOMEM;
  }
  if (g_control.output.is_null()) {
    g_control.output = AllocateFrame(FrameZeroing::kUndefined);
  }
  if (g_control.output.is_null()) return -ENOMEM;
  if (int error =
          g_control.device.Start(abi::kSlotControl, abi::kVirtioIdControl, 0,
                                 g_control.queues, 2, kQueueSize)) {
    return error;
  }
  g_control.queues[abi::kControlTxQueue].DisableEvents();
  for (FrameNumber& page : g_control.input) PostInput(page);
  g_control.queues[abi::kControlRxQueue].Notify();
  const abi::ControlHello hello = {abi::kAbiVersion, 0};
  ControlSend(abi::kControlHello, &hello, sizeof(hello));
  return 0;
}

void ControlSend(abi::ControlToHost type, const void* payload, size_t length) {
  GK_ASSERT(length <= abi::kControlMaxPayload);
  if (ControlStart()) return;
  VirtioQueue& queue = g_control.queues[abi::kControlTxQueue];
  const abi::ControlHeader header = {type, static_cast<uint32_t>(length)};
  uint8_t* message = static_cast<uint8_t*>(FrameData(g_control.output));
  memcpy(message, &header, sizeof(header));
  memcpy(message + sizeof(header), payload, length);
  const VirtioBuffer buffer = {g_control.output.gpa(),
                               static_cast<uint32_t>(sizeof(header) + length)};
  if (queue.Submit(&buffer, 1, nullptr, 0, nullptr)) return;
  queue.Notify();
  // Used within the notification (abi/control.h), so the page is free again.
  VirtioUsed used;
  (void)queue.TakeUsed(&used);
}

void ControlSendStopped(int signo) {
  const abi::ControlStopped stopped = {static_cast<uint32_t>(signo), 0};
  ControlSend(abi::kControlStopped, &stopped, sizeof(stopped));
}

void ControlHandleEvent() {
  if (ControlStart()) return;
  VirtioQueue& queue = g_control.queues[abi::kControlRxQueue];
  VirtioUsed used;
  bool any = false;
  while (queue.TakeUsed(&used)) {
    NoteExternalInput();
    FrameNumber& page = *static_cast<FrameNumber*>(used.cookie);
    OnMessage(static_cast<uint8_t*>(FrameData(page)));
    PostInput(page);
    any = true;
  }
  if (any) queue.Notify();
}

uint64_t ResumeGeneration() { return g_control.generation; }

}  // namespace gk
