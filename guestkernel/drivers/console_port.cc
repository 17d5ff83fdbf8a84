// SPDX-License-Identifier: Apache-2.0
//
// See console_port.h.
#include "guestkernel/drivers/console_port.h"

#include "guestkernel/drivers/external_input.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/lib/string.h"

namespace gk {

namespace abi = crvm::abi;

namespace {
constexpr uint16_t kQueueSize = 16;
}

int ConsolePort::Start(Client* client) {
  if (int error = AllocatePages()) return error;
  if (int error =
          device_.Start(abi::kSlotConsole, abi::kVirtioIdConsole,
                        abi::kVirtioConsoleFSize, queues_, 2, kQueueSize)) {
    return error;
  }
  client_ = client;
  for (Page& page : input_) PostInput(page);
  queues_[abi::kConsoleRxQueue].Notify();
  CheckSize();
  return 0;
}

int ConsolePort::AllocatePages() {
  for (Page& page : output_) {
    page.frame = AllocateFrame(FrameZeroing::kUndefined);
    if (page.frame.is_null()) return -ENOMEM;
  }
  for (Page& page : input_) {
    page.frame = AllocateFrame(FrameZeroing::kUndefined);
    if (page.frame.is_null()) return -ENOMEM;
  }
  return 0;
}

// ---- Output.

size_t ConsolePort::Transmit(const uint8_t* bytes, size_t n) {
  size_t taken = 0;
  while (taken < n) {
    for (int i = 0; filling_ < 0 && i < kOutputPages; ++i) {
      if (output_[i].busy) continue;
      filling_ = i;
      output_[i].length = 0;
    }
    if (filling_ < 0) break;
    Page& page = output_[filling_];
    size_t piece = kPageSize - page.length;
    if (piece > n - taken) piece = n - taken;
    memcpy(static_cast<uint8_t*>(FrameData(page.frame)) + page.length,
           bytes + taken, piece);
    page.length += piece;
    taken += piece;
    if (page.length == kPageSize) SubmitFilling();
  }
  return taken;
}

void ConsolePort::SubmitFilling() {
  if (filling_ < 0) return;
  Page& page = output_[filling_];
  const VirtioBuffer buffer = {page.frame.gpa(), page.length};
  // There are fewer pages than descriptors.
  if (queues_[abi::kConsoleTxQueue].Submit(&buffer, 1, nullptr, 0, &page)) {
    Panic("console: the output queue is full");
  }
  page.busy = true;
  ++busy_output_;
  filling_ = -1;
}

void ConsolePort::Kick() {
  SubmitFilling();
  if (busy_output_ == 0) return;
  queues_[abi::kConsoleTxQueue].Notify();
  ReapOutput();
}

bool ConsolePort::ReapOutput() {
  VirtioUsed used;
  bool any = false;
  while (queues_[abi::kConsoleTxQueue].TakeUsed(&used)) {
    static_cast<Page*>(used.cookie)->busy = false;
    --busy_output_;
    any = true;
  }
  return any;
}

// ---- Input.

void ConsolePort::PostInput(Page& page) {
  const VirtioBuffer buffer = {page.frame.gpa(), kPageSize};
  if (queues_[abi::kConsoleRxQueue].Submit(nullptr, 0, &buffer, 1, &page)) {
    Panic("console: the input queue is full");
  }
  page.busy = true;
}

void ConsolePort::ReapInput() {
  VirtioUsed used;
  while (queues_[abi::kConsoleRxQueue].TakeUsed(&used)) {
    Page& page = *static_cast<Page*>(used.cookie);
    NoteExternalInput();
    page.busy = false;
    if (used.length == 0) {
      client_->OnHangup();
      continue;
    }
    page.start = 0;
    page.length = used.length;
    arrived_[(arrived_start_ + arrived_count_++) % kInputPages] =
        static_cast<uint8_t>(&page - input_);
  }
}

void ConsolePort::DeliverInput() {
  if (delivering_) return;  // the client reads while it is being given input
  delivering_ = true;
  bool posted = false;
  while (arrived_count_ > 0) {
    Page& page = input_[arrived_[arrived_start_]];
    const uint8_t* bytes = static_cast<uint8_t*>(FrameData(page.frame));
    page.start +=
        client_->OnInput(bytes + page.start, page.length - page.start);
    if (page.start < page.length) break;
    arrived_start_ = (arrived_start_ + 1) % kInputPages;
    --arrived_count_;
    PostInput(page);
    posted = true;
  }
  delivering_ = false;
  if (posted) queues_[abi::kConsoleRxQueue].Notify();
}

void ConsolePort::ResumeInput() {
  if (!client_ || arrived_count_ == 0) return;
  DeliverInput();
  // The device may have filled the buffers at once.
  ReapInput();
}

void ConsolePort::HandleEvent() {
  if (!client_) return;
  if (device_.TakeInterrupts() & abi::kVirtioInterruptConfigChange) CheckSize();
  ReapInput();
  DeliverInput();
  ReapInput();
  if (ReapOutput()) client_->OnOutputProgress();
}

void ConsolePort::CheckSize() {
  const uint32_t size = device_.ReadConfig32(0);
  client_->OnResize(static_cast<uint16_t>(size),
                    static_cast<uint16_t>(size >> 16));
}

}  // namespace gk
