// SPDX-License-Identifier: Apache-2.0
//
// Console: the virtio console (virtio 1.2, section 5.3, id 3) in two flavours.
//  - tty: the guest's terminal. Raw bytes both ways, the window size in the
//    config space; the line discipline is the guest kernel's. A used rx buffer
//    of length 0 says that the terminal is gone.
//  - stream: one of the program's stdin, stdout and stderr when it is not a
//    terminal; see kCrvmStream in guestkernel/abi/virtio.h.
//
// Threads: the VirtioDevice part runs on the vCPU thread. The methods of "Main
// thread" are thread-safe; after one of them, kick the vCPU so that it calls
// OnHostEvent(). No method ever waits for the host's reader: what cannot be
// written stays in its chain, in order, until the main thread has found the
// descriptor writable. Input is buffered up to a limit and no further.
// Trust: queue contents are the hostile guest's; the host side is trusted.

#ifndef CRVM_VMM_DEVICES_CONSOLE_CONSOLE_H_
#define CRVM_VMM_DEVICES_CONSOLE_CONSOLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "guestkernel/abi/virtio.h"
#include "vmm/base/unique_fd.h"
#include "vmm/devices/console/host_output.h"
#include "vmm/devices/virtio/virtio_device.h"

namespace crvm {

// A tx chain that is not finished.
struct PendingOutputState {
  uint16_t head = 0;
  uint64_t written = 0;  // bytes of it that have reached the host
};

struct ConsoleState {
  uint16_t cols = 0;
  uint16_t rows = 0;
  bool is_stream = false;
  bool eof = false;
  bool eof_told = false;
  std::vector<uint8_t> input;      // from the host, not yet in the guest
  std::vector<uint16_t> rx_heads;  // empty rx buffers that the driver gave
  std::vector<PendingOutputState> output;
};
void Encode(const ConsoleState& state, StateWriter& writer);
absl::StatusOr<ConsoleState> DecodeConsoleState(StateReader& reader);

class Console : public VirtioDevice {
 public:
  static constexpr size_t kInputCapacity = 64 << 10;

  // A terminal of this size.
  Console(uint16_t cols, uint16_t rows);
  // A stream whose host end is of `kind`.
  explicit Console(abi::StreamKind kind);

  // Set before the guest runs. Called on the vCPU thread when the main thread
  // should ask InputSpace() and OutputFdToPoll() again, for one has become
  // non-trivial; it must not call back into this object.
  void set_interest_callback(std::function<void()> callback) {
    interest_callback_ = std::move(callback);
  }

  // ---- Main thread (thread-safe). ------------------------------------------

  // How many bytes PushInput() would take now. Read no more than that from the
  // host: a stream offers space only for what the guest has asked for.
  size_t InputSpace() const;
  // Takes over a prefix of `bytes`, as much as there is space for; returns its
  // length.
  size_t PushInput(absl::Span<const uint8_t> bytes);
  // No more input will come.
  void PushEof();
  // Tty: the terminal's new size.
  void SetWindowSize(uint16_t cols, uint16_t rows);
  // Where output goes from now on (the caller's dup()); output waits while
  // there is nowhere to go. An invalid fd detaches.
  void AttachOutput(UniqueFd fd);
  // The descriptor that output is waiting for, to poll for POLLOUT, or -1.
  int OutputFdToPoll() const;
  // That descriptor is writable (or in error).
  void OutputReady();

  // ---- vCPU thread. --------------------------------------------------------

  // Whether all output that the guest has sent has reached the host. Before the
  // process exits, the main thread lets this become true.
  bool OutputIsDrained() const { return output_chains_.empty(); }

  absl::StatusOr<ConsoleState> Save() const;
  absl::Status Restore(const ConsoleState& state);

  // VirtioDevice:
  uint32_t device_id() const override { return abi::kVirtioIdConsole; }
  uint64_t offered_features() const override;
  absl::Span<const uint16_t> queue_max_sizes() const override;
  void ReadConfig(uint32_t offset, absl::Span<uint8_t> data) override;
  absl::Status OnNotify(int queue) override;
  absl::Status OnDriverOk() override;
  absl::Status OnHostEvent() override;
  void Reset() override;
  absl::StatusOr<std::string> SaveState() const override;
  absl::Status RestoreState(absl::string_view state) override;

 private:
  struct PendingOutput {
    DescriptorChain chain;
    size_t written;  // bytes that have reached the host
  };
  struct WindowSize {
    uint16_t cols;
    uint16_t rows;
  };

  absl::Status CheckStreamChain(const DescriptorChain& chain) const;
  absl::Status TakeRxBuffers();
  absl::Status TakeOutput();
  absl::Status MoveInput();
  absl::Status MoveOutput();
  // Writes what it can of `pending`. Sets would_block if the rest must wait;
  // otherwise returns the error that ended it, or 0 when it is done.
  int WriteToHost(PendingOutput& pending, bool& would_block);
  absl::Status Finish(const PendingOutput& pending, int error);
  void ApplyWindowSize();
  size_t InputSpaceLocked() const;

  const bool is_stream_;
  abi::VirtioConsoleConfig config_ = {};
  std::function<void()> interest_callback_;

  // vCPU thread only.
  std::deque<DescriptorChain> rx_chains_;
  std::deque<PendingOutput> output_chains_;

  mutable std::mutex mutex_;
  // All below: guarded by mutex_.
  std::deque<uint8_t> input_;
  bool eof_ = false;
  bool eof_told_ = false;
  size_t rx_bytes_ = 0;  // writable bytes in rx_chains_
  bool output_blocked_ = false;
  std::optional<HostOutput> output_;
  std::optional<WindowSize> new_size_;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_CONSOLE_CONSOLE_H_
