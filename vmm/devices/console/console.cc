// SPDX-License-Identifier: Apache-2.0
//
// See console.h. Saving and restoring is in console_state.cc.

#include "vmm/devices/console/console.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_format.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// Large enough that a slow host reader does not make the guest wait early.
constexpr uint16_t kQueueSizes[] = {64, 64};

}  // namespace

Console::Console(uint16_t cols, uint16_t rows) : is_stream_(false) {
  config_.cols = cols;
  config_.rows = rows;
}

Console::Console(abi::StreamKind kind) : is_stream_(true) {
  config_.stream_kind = kind;
}

uint64_t Console::offered_features() const {
  return is_stream_ ? abi::kCrvmStream : abi::kVirtioConsoleFSize;
}

absl::Span<const uint16_t> Console::queue_max_sizes() const {
  return kQueueSizes;
}

void Console::ReadConfig(uint32_t offset, absl::Span<uint8_t> data) {
  CopyConfig(absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&config_),
                                 sizeof(config_)),
             offset, data);
}

// ---- Main thread. ----------------------------------------------------------

size_t Console::InputSpaceLocked() const {
  if (eof_) return 0;
  const size_t limit =
      is_stream_ ? std::min(kInputCapacity, rx_bytes_) : kInputCapacity;
  return limit > input_.size() ? limit - input_.size() : 0;
}

size_t Console::InputSpace() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return InputSpaceLocked();
}

size_t Console::PushInput(absl::Span<const uint8_t> bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  const size_t n = std::min(bytes.size(), InputSpaceLocked());
  input_.insert(input_.end(), bytes.begin(), bytes.begin() + n);
  return n;
}

void Console::PushEof() {
  std::lock_guard<std::mutex> lock(mutex_);
  eof_ = true;
}

void Console::SetWindowSize(uint16_t cols, uint16_t rows) {
  std::lock_guard<std::mutex> lock(mutex_);
  new_size_ = WindowSize{cols, rows};
}

void Console::AttachOutput(UniqueFd fd) {
  std::lock_guard<std::mutex> lock(mutex_);
  output_.reset();
  if (fd.valid()) output_.emplace(std::move(fd));
  output_blocked_ = false;
}

int Console::OutputFdToPoll() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return output_blocked_ && output_ ? output_->poll_fd() : -1;
}

void Console::OutputReady() {
  std::lock_guard<std::mutex> lock(mutex_);
  output_blocked_ = false;
}

// ---- vCPU thread. ----------------------------------------------------------

absl::Status Console::OnNotify(int queue) {
  if (queue == abi::kConsoleRxQueue) {
    CRVM_RETURN_IF_ERROR(TakeRxBuffers());
    return MoveInput();
  }
  CRVM_RETURN_IF_ERROR(TakeOutput());
  return MoveOutput();
}

absl::Status Console::OnDriverOk() {
  CRVM_RETURN_IF_ERROR(OnNotify(abi::kConsoleRxQueue));
  return OnNotify(abi::kConsoleTxQueue);
}

absl::Status Console::OnHostEvent() {
  ApplyWindowSize();
  if (!transport().IsRunning()) return absl::OkStatus();
  CRVM_RETURN_IF_ERROR(MoveInput());
  return MoveOutput();
}

void Console::Reset() {
  rx_chains_.clear();
  output_chains_.clear();
  std::lock_guard<std::mutex> lock(mutex_);
  rx_bytes_ = 0;
  output_blocked_ = false;
}

void Console::ApplyWindowSize() {
  std::optional<WindowSize> size;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    size = std::exchange(new_size_, std::nullopt);
  }
  if (!size || is_stream_) return;
  if (size->cols == config_.cols && size->rows == config_.rows) return;
  config_.cols = size->cols;
  config_.rows = size->rows;
  transport().SignalConfigChange();
}

absl::Status Console::TakeRxBuffers() {
  Virtqueue& queue = transport().queue(abi::kConsoleRxQueue);
  bool space_appeared = false;
  for (;;) {
    CRVM_ASSIGN_OR_RETURN(std::optional<DescriptorChain> chain, queue.Pop());
    if (!chain) break;
    if (chain->writable_bytes() == 0) {
      return absl::InvalidArgumentError("an rx buffer has no room");
    }
    std::lock_guard<std::mutex> lock(mutex_);
    const size_t before = InputSpaceLocked();
    rx_bytes_ += chain->writable_bytes();
    space_appeared |= before == 0 && InputSpaceLocked() > 0;
    rx_chains_.push_back(*std::move(chain));
  }
  if (space_appeared && interest_callback_) interest_callback_();
  return absl::OkStatus();
}

absl::Status Console::MoveInput() {
  Virtqueue& queue = transport().queue(abi::kConsoleRxQueue);
  bool space_appeared = false;
  while (!rx_chains_.empty()) {
    const DescriptorChain& chain = rx_chains_.front();
    uint32_t filled = 0;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (input_.empty() && (!eof_ || eof_told_)) break;
      if (input_.empty()) eof_told_ = true;
      const size_t before = InputSpaceLocked();
      for (absl::Span<uint8_t> buffer : chain.writable()) {
        const size_t n = std::min(buffer.size(), input_.size());
        std::copy_n(input_.begin(), n, buffer.begin());
        input_.erase(input_.begin(), input_.begin() + n);
        filled += n;
      }
      rx_bytes_ -= chain.writable_bytes();
      space_appeared |= before == 0 && InputSpaceLocked() > 0;
    }
    CRVM_RETURN_IF_ERROR(queue.Push(chain, filled));
    rx_chains_.pop_front();
  }
  transport().SignalUsed(abi::kConsoleRxQueue);
  if (space_appeared && interest_callback_) interest_callback_();
  return absl::OkStatus();
}

absl::Status Console::CheckStreamChain(const DescriptorChain& chain) const {
  if (is_stream_ && chain.writable_bytes() < sizeof(abi::StreamTxResult)) {
    return absl::InvalidArgumentError(
        "a stream's tx chain has no room for its result");
  }
  return absl::OkStatus();
}

absl::Status Console::TakeOutput() {
  Virtqueue& queue = transport().queue(abi::kConsoleTxQueue);
  for (;;) {
    CRVM_ASSIGN_OR_RETURN(std::optional<DescriptorChain> chain, queue.Pop());
    if (!chain) return absl::OkStatus();
    CRVM_RETURN_IF_ERROR(CheckStreamChain(*chain));
    output_chains_.push_back({*std::move(chain), 0});
  }
}

absl::Status Console::MoveOutput() {
  bool would_block = false;
  while (!output_chains_.empty() && !would_block) {
    PendingOutput& pending = output_chains_.front();
    const int error = WriteToHost(pending, would_block);
    if (would_block) break;
    CRVM_RETURN_IF_ERROR(Finish(pending, error));
    output_chains_.pop_front();
  }
  transport().SignalUsed(abi::kConsoleTxQueue);
  return absl::OkStatus();
}

int Console::WriteToHost(PendingOutput& pending, bool& would_block) {
  if (is_stream_ && config_.stream_kind == abi::kStreamNone) return EBADF;
  std::vector<iovec> buffers;
  size_t skip = pending.written;
  for (absl::Span<const uint8_t> data : pending.chain.readable()) {
    if (skip >= data.size()) {
      skip -= data.size();
      continue;
    }
    data.remove_prefix(std::exchange(skip, 0));
    buffers.push_back({const_cast<uint8_t*>(data.data()), data.size()});
  }
  HostOutput::Result result;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    // Nowhere to go, or not yet: wait, in order.
    would_block = !output_ || output_blocked_;
    if (would_block) return 0;
    result = output_->Write(buffers);
    would_block = result.would_block;
    output_blocked_ = would_block;
  }
  pending.written += result.written;
  if (would_block && interest_callback_) interest_callback_();
  return result.error;
}

absl::Status Console::Finish(const PendingOutput& pending, int error) {
  Virtqueue& queue = transport().queue(abi::kConsoleTxQueue);
  // A terminal that is gone swallows what is written to it.
  if (!is_stream_) return queue.Push(pending.chain, 0);
  const abi::StreamTxResult result = {static_cast<uint32_t>(error),
                                      static_cast<uint32_t>(pending.written)};
  pending.chain.CopyToWritable(
      0, absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&result),
                             sizeof(result)));
  return queue.Push(pending.chain, sizeof(result));
}

}  // namespace crvm
