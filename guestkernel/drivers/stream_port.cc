// SPDX-License-Identifier: Apache-2.0
//
// See stream_port.h.
#include "guestkernel/drivers/stream_port.h"

#include "guestkernel/drivers/external_input.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"

namespace gk {

namespace abi = crvm::abi;

namespace {
constexpr uint16_t kQueueSize = 4;
}

int StreamPort::Start() {
  if (started()) return 0;
  if (buffer_.is_null()) {
    buffer_ = AllocateFrames(kBufferOrder, FrameZeroing::kUndefined);
  }
  if (result_frame_.is_null()) {
    result_frame_ = AllocateFrame(FrameZeroing::kZeroed);
  }
  if (buffer_.is_null() || result_frame_.is_null()) return -ENOMEM;
  return device_.Start(slot_, abi::kVirtioIdConsole, abi::kCrvmStream, queues_,
                       2, kQueueSize);
}

abi::StreamTxResult& StreamPort::result() const {
  return *static_cast<abi::StreamTxResult*>(FrameData(result_frame_));
}

int64_t StreamPort::Send(UserIo& io) {
  GK_ASSERT(!output_busy());
  if (int error = Start()) return error;
  const size_t wanted =
      io.remaining() < kBufferSize ? io.remaining() : kBufferSize;
  const int64_t n = io.CopyIn(FrameData(buffer_), wanted);
  if (n <= 0) return n;
  const VirtioBuffer data = {buffer_.gpa(), static_cast<uint32_t>(n)};
  const VirtioBuffer outcome = {result_frame_.gpa(),
                                sizeof(abi::StreamTxResult)};
  if (int error = queues_[kTx].Submit(&data, 1, &outcome, 1, this)) {
    return error;
  }
  queues_[kTx].Notify();
  Reap();
  if (output_busy() || output_error_ == 0) return n;
  // It failed at once: the rest was not accepted.
  const int64_t written = result().bytes < n ? result().bytes : n;
  io.Rewind(n - written);
  return written;
}

void StreamPort::RequestInput() {
  if (Start()) {
    end_of_input_ = true;
    return;
  }
  if (end_of_input_ || input_size() > 0 || queues_[kRx].in_flight() > 0) return;
  const VirtioBuffer buffer = {buffer_.gpa(), kBufferSize};
  if (queues_[kRx].Submit(nullptr, 0, &buffer, 1, this)) return;
  queues_[kRx].Notify();
  Reap();
}

int64_t StreamPort::Receive(UserIo& io) {
  const uint8_t* bytes = static_cast<uint8_t*>(FrameData(buffer_));
  const size_t n =
      io.remaining() < input_size() ? io.remaining() : input_size();
  const int64_t moved = io.CopyOut(bytes + input_start_, n);
  if (moved > 0) input_start_ += moved;
  return moved;
}

bool StreamPort::Reap() {
  VirtioUsed used;
  bool any = false;
  while (queues_[kTx].TakeUsed(&used)) {
    output_error_ = static_cast<int>(result().error);
    any = true;
  }
  while (queues_[kRx].TakeUsed(&used)) {
    NoteExternalInput();
    input_start_ = 0;
    input_end_ = used.length;
    if (used.length == 0) end_of_input_ = true;
    any = true;
  }
  return any;
}

void StreamPort::HandleEvent() {
  if (started() && Reap()) queue_.WakeAll();
}

}  // namespace gk
