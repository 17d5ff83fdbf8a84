// SPDX-License-Identifier: Apache-2.0
//
// Saving and restoring a Console. vCPU thread; what is restored is hostile.

#include "absl/strings/str_format.h"
#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"
#include "vmm/devices/console/console.h"

namespace crvm {
namespace {

constexpr uint32_t kStateVersion = 1;

}  // namespace

void Encode(const ConsoleState& state, StateWriter& writer) {
  writer.U32(kStateVersion);
  writer.U16(state.cols);
  writer.U16(state.rows);
  writer.Bool(state.is_stream);
  writer.Bool(state.eof);
  writer.Bool(state.eof_told);
  writer.Bytes(state.input);
  writer.U64(state.rx_heads.size());
  for (uint16_t head : state.rx_heads) writer.U16(head);
  writer.U64(state.output.size());
  for (const PendingOutputState& output : state.output) {
    writer.U16(output.head);
    writer.U64(output.written);
  }
}

absl::StatusOr<ConsoleState> DecodeConsoleState(StateReader& reader) {
  CRVM_ASSIGN_OR_RETURN(const uint32_t version, reader.U32());
  if (version != kStateVersion) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "console state has version %d; this crvm reads version %d", version,
        kStateVersion));
  }
  ConsoleState state;
  CRVM_ASSIGN_OR_RETURN(state.cols, reader.U16());
  CRVM_ASSIGN_OR_RETURN(state.rows, reader.U16());
  CRVM_ASSIGN_OR_RETURN(state.is_stream, reader.Bool());
  CRVM_ASSIGN_OR_RETURN(state.eof, reader.Bool());
  CRVM_ASSIGN_OR_RETURN(state.eof_told, reader.Bool());
  CRVM_ASSIGN_OR_RETURN(state.input, reader.Bytes(Console::kInputCapacity));
  CRVM_ASSIGN_OR_RETURN(const size_t rx, reader.Count(abi::kVirtqMaxSize));
  for (size_t i = 0; i < rx; ++i) {
    CRVM_ASSIGN_OR_RETURN(const uint16_t head, reader.U16());
    state.rx_heads.push_back(head);
  }
  CRVM_ASSIGN_OR_RETURN(const size_t outputs, reader.Count(abi::kVirtqMaxSize));
  for (size_t i = 0; i < outputs; ++i) {
    PendingOutputState output;
    CRVM_ASSIGN_OR_RETURN(output.head, reader.U16());
    CRVM_ASSIGN_OR_RETURN(output.written, reader.U64());
    state.output.push_back(output);
  }
  return state;
}

absl::StatusOr<ConsoleState> Console::Save() const {
  ConsoleState state;
  state.cols = config_.cols;
  state.rows = config_.rows;
  state.is_stream = is_stream_;
  for (const DescriptorChain& chain : rx_chains_) {
    state.rx_heads.push_back(chain.head());
  }
  for (const PendingOutput& pending : output_chains_) {
    state.output.push_back({pending.chain.head(), pending.written});
  }
  std::lock_guard<std::mutex> lock(mutex_);
  state.eof = eof_;
  state.eof_told = eof_told_;
  state.input.assign(input_.begin(), input_.end());
  return state;
}

absl::Status Console::Restore(const ConsoleState& state) {
  if (state.is_stream != is_stream_) {
    return absl::InvalidArgumentError(
        "the saved console is of the other flavour (tty or stream)");
  }
  Reset();
  Virtqueue& rx = transport().queue(abi::kConsoleRxQueue);
  Virtqueue& tx = transport().queue(abi::kConsoleTxQueue);
  if (state.rx_heads.size() != rx.in_flight() ||
      state.output.size() != tx.in_flight()) {
    return absl::InvalidArgumentError(
        "the saved console disagrees with its queues");
  }
  size_t rx_bytes = 0;
  for (uint16_t head : state.rx_heads) {
    CRVM_ASSIGN_OR_RETURN(DescriptorChain chain, rx.Reload(head));
    rx_bytes += chain.writable_bytes();
    rx_chains_.push_back(std::move(chain));
  }
  for (const PendingOutputState& output : state.output) {
    CRVM_ASSIGN_OR_RETURN(DescriptorChain chain, tx.Reload(output.head));
    CRVM_RETURN_IF_ERROR(CheckStreamChain(chain));
    if (output.written > chain.readable_bytes()) {
      return absl::InvalidArgumentError(
          "a saved console chain is longer than its data");
    }
    output_chains_.push_back({std::move(chain), output.written});
  }
  config_.cols = state.cols;
  config_.rows = state.rows;
  std::lock_guard<std::mutex> lock(mutex_);
  rx_bytes_ = rx_bytes;
  input_.assign(state.input.begin(), state.input.end());
  eof_ = state.eof;
  eof_told_ = state.eof_told;
  return absl::OkStatus();
}

absl::StatusOr<std::string> Console::SaveState() const {
  CRVM_ASSIGN_OR_RETURN(const ConsoleState state, Save());
  StateWriter writer;
  Encode(state, writer);
  return writer.Take();
}

absl::Status Console::RestoreState(absl::string_view bytes) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(const ConsoleState state, DecodeConsoleState(reader));
  CRVM_RETURN_IF_ERROR(reader.ExpectEnd());
  return Restore(state);
}

}  // namespace crvm
