// SPDX-License-Identifier: Apache-2.0
//
// The driver of one of the program's standard streams when it is not a
// terminal: a virtio console in its stream flavour (kCrvmStream in
// abi/virtio.h). tty/stream_file.h makes a file of it.
//
// Output: one piece at a time is on its way; the VMM mostly has written it when
// the notification returns. Input is asked for, not sent: what nobody reads
// stays in the host's pipe.
#ifndef CRVM_GUESTKERNEL_DRIVERS_STREAM_PORT_H_
#define CRVM_GUESTKERNEL_DRIVERS_STREAM_PORT_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/drivers/virtio_device.h"
#include "guestkernel/drivers/virtio_queue.h"
#include "guestkernel/fs/user_io.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

class StreamPort {
 public:
  explicit StreamPort(crvm::abi::DeviceSlot slot) : slot_(slot) {}
  StreamPort(const StreamPort&) = delete;
  StreamPort& operator=(const StreamPort&) = delete;

  // Brings the device up, unless it is; the calls below do it when needed.
  // -ENODEV when the VMM has none in this slot, -ENOMEM.
  int Start();
  bool started() const { return device_.started(); }

  // Woken when anything below changes.
  WaitQueue& queue() { return queue_; }

  // ---- Output.
  bool output_busy() const { return queues_[kTx].in_flight() > 0; }
  // Gives the device a piece of what `io` has; only while not busy. Bytes
  // accepted (they may have left already, or are on their way), or -EFAULT.
  int64_t Send(UserIo& io);
  // The error (> 0) that ended output; 0 when there is none.
  int output_error() const { return output_error_; }
  void clear_output_error() { output_error_ = 0; }

  // ---- Input.
  size_t input_size() const { return input_end_ - input_start_; }
  bool end_of_input() const { return end_of_input_; }
  // Asks the host for more, unless that is under way.
  void RequestInput();
  // Moves what is there.
  int64_t Receive(UserIo& io);

  // From the device event hook.
  void HandleEvent();

 private:
  static constexpr unsigned kBufferOrder = 4;
  static constexpr uint32_t kBufferSize = 4096u << kBufferOrder;
  static constexpr uint32_t kTx = crvm::abi::kConsoleTxQueue;
  static constexpr uint32_t kRx = crvm::abi::kConsoleRxQueue;

  bool Reap();
  crvm::abi::StreamTxResult& result() const;

  const crvm::abi::DeviceSlot slot_;
  VirtioDevice device_;
  VirtioQueue queues_[2];
  WaitQueue queue_;
  FrameNumber buffer_;        // kBufferSize bytes, input or output
  FrameNumber result_frame_;  // a StreamTxResult
  size_t input_start_ = 0, input_end_ = 0;
  bool end_of_input_ = false;
  int output_error_ = 0;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_DRIVERS_STREAM_PORT_H_
