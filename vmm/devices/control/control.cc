// SPDX-License-Identifier: Apache-2.0
//
// See control.h.

#include "vmm/devices/control/control.h"

#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr uint16_t kQueueSizes[] = {16, 16};
constexpr uint32_t kStateVersion = 1;

template <typename T>
absl::Span<const uint8_t> AsBytes(const T& value) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&value),
                             sizeof(value));
}

// The T at the front of `payload`, which may be longer.
template <typename T>
absl::StatusOr<T> Parse(absl::Span<const uint8_t> payload) {
  if (payload.size() < sizeof(T)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("a control message of %d bytes is too short for %d",
                        payload.size(), sizeof(T)));
  }
  T value;
  std::memcpy(&value, payload.data(), sizeof(T));
  return value;
}

// The guest's text may be shown on a terminal: nothing but plain ASCII.
std::string Printable(absl::Span<const uint8_t> text) {
  std::string out;
  out.reserve(text.size());
  for (uint8_t c : text) {
    out.push_back(c >= 0x20 && c < 0x7f ? static_cast<char>(c) : ' ');
  }
  return out;
}

}  // namespace

absl::Span<const uint16_t> Control::queue_max_sizes() const {
  return kQueueSizes;
}

void Control::ReadConfig(uint32_t offset, absl::Span<uint8_t> data) {
  CopyConfig({}, offset, data);
}

absl::Status Control::SendSignal(int signal, abi::ControlSignalTarget target) {
  const abi::ControlSignal message = {static_cast<uint32_t>(signal), target};
  return Send(abi::kControlSignal, AsBytes(message), /*overtake=*/false);
}

absl::Status Control::SendResumed(const abi::ControlResumed& resumed) {
  return Send(abi::kControlResumed, AsBytes(resumed), /*overtake=*/true);
}

absl::Status Control::Send(abi::ControlToGuest type,
                           absl::Span<const uint8_t> payload, bool overtake) {
  const abi::ControlHeader header = {type,
                                     static_cast<uint32_t>(payload.size())};
  std::string message(reinterpret_cast<const char*>(&header), sizeof(header));
  message.append(reinterpret_cast<const char*>(payload.data()), payload.size());
  std::lock_guard<std::mutex> lock(mutex_);
  if (outbox_.size() >= kMaxOutbox) {
    return absl::ResourceExhaustedError(
        "the guest does not take its control messages");
  }
  outbox_.insert(overtake ? outbox_.begin() : outbox_.end(),
                 std::move(message));
  return absl::OkStatus();
}

absl::Status Control::OnNotify(int queue) {
  if (queue == abi::kControlTxQueue) return TakeMessages();
  CRVM_RETURN_IF_ERROR(TakeRxBuffers());
  return Deliver();
}

absl::Status Control::OnDriverOk() {
  CRVM_RETURN_IF_ERROR(OnNotify(abi::kControlRxQueue));
  return OnNotify(abi::kControlTxQueue);
}

absl::Status Control::OnHostEvent() {
  if (!transport().IsRunning()) return absl::OkStatus();
  return Deliver();
}

absl::Status Control::TakeRxBuffers() {
  Virtqueue& queue = transport().queue(abi::kControlRxQueue);
  for (;;) {
    CRVM_ASSIGN_OR_RETURN(std::optional<DescriptorChain> chain, queue.Pop());
    if (!chain) return absl::OkStatus();
    if (chain->writable_bytes() < abi::kControlMaxMessage) {
      return absl::InvalidArgumentError(
          "a control buffer is too small for a message");
    }
    rx_chains_.push_back(*std::move(chain));
  }
}

absl::Status Control::Deliver() {
  Virtqueue& queue = transport().queue(abi::kControlRxQueue);
  while (!rx_chains_.empty()) {
    std::string message;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (outbox_.empty()) break;
      message = std::move(outbox_.front());
      outbox_.pop_front();
    }
    const size_t written = rx_chains_.front().CopyToWritable(
        0, absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(message.data()),
                               message.size()));
    CRVM_RETURN_IF_ERROR(queue.Push(rx_chains_.front(), written));
    rx_chains_.pop_front();
  }
  transport().SignalUsed(abi::kControlRxQueue);
  return absl::OkStatus();
}

absl::Status Control::TakeMessages() {
  Virtqueue& queue = transport().queue(abi::kControlTxQueue);
  for (;;) {
    CRVM_ASSIGN_OR_RETURN(std::optional<DescriptorChain> chain, queue.Pop());
    if (!chain) break;
    CRVM_RETURN_IF_ERROR(Handle(*chain));
    CRVM_RETURN_IF_ERROR(queue.Push(*chain, 0));
  }
  transport().SignalUsed(abi::kControlTxQueue);
  return absl::OkStatus();
}

absl::Status Control::Handle(const DescriptorChain& chain) {
  // One copy of the whole message: the guest may change it while it is read.
  std::vector<uint8_t> message(abi::kControlMaxMessage);
  message.resize(chain.CopyFromReadable(0, absl::MakeSpan(message)));
  CRVM_ASSIGN_OR_RETURN(const abi::ControlHeader header,
                        Parse<abi::ControlHeader>(message));
  if (header.length != message.size() - sizeof(header)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("a control message of %d bytes says that it has %d",
                        message.size() - sizeof(header), header.length));
  }
  return Dispatch(header.type,
                  absl::MakeConstSpan(message).subspan(sizeof(header)));
}

absl::Status Control::Dispatch(uint32_t type,
                               absl::Span<const uint8_t> payload) {
  switch (type) {
    case abi::kControlHello: {
      CRVM_ASSIGN_OR_RETURN(const auto hello,
                            Parse<abi::ControlHello>(payload));
      handler_->OnHello(hello);
      return absl::OkStatus();
    }
    case abi::kControlLog: {
      CRVM_ASSIGN_OR_RETURN(const auto log, Parse<abi::ControlLog>(payload));
      const auto level = log.level <= abi::kControlLogDebug
                             ? static_cast<abi::ControlLogLevel>(log.level)
                             : abi::kControlLogDebug;
      handler_->OnLog(level, Printable(payload.subspan(sizeof(log))));
      return absl::OkStatus();
    }
    case abi::kControlExitStatus: {
      CRVM_ASSIGN_OR_RETURN(const auto status,
                            Parse<abi::ControlExitStatus>(payload));
      handler_->OnExitStatus(status);
      return absl::OkStatus();
    }
    case abi::kControlStopped: {
      CRVM_ASSIGN_OR_RETURN(const auto stopped,
                            Parse<abi::ControlStopped>(payload));
      handler_->OnStopped(stopped);
      return absl::OkStatus();
    }
    default:
      return absl::OkStatus();  // newer than this VMM
  }
}

ControlState Control::Save() const {
  ControlState state;
  for (const DescriptorChain& chain : rx_chains_) {
    state.rx_heads.push_back(chain.head());
  }
  std::lock_guard<std::mutex> lock(mutex_);
  state.outbox.assign(outbox_.begin(), outbox_.end());
  return state;
}

absl::Status Control::Restore(const ControlState& state) {
  Reset();
  Virtqueue& rx = transport().queue(abi::kControlRxQueue);
  if (state.rx_heads.size() != rx.in_flight()) {
    return absl::InvalidArgumentError(
        "the saved control channel disagrees with its queue");
  }
  for (uint16_t head : state.rx_heads) {
    CRVM_ASSIGN_OR_RETURN(DescriptorChain chain, rx.Reload(head));
    if (chain.writable_bytes() < abi::kControlMaxMessage) {
      return absl::InvalidArgumentError(
          "a saved control buffer is too small for a message");
    }
    rx_chains_.push_back(std::move(chain));
  }
  std::lock_guard<std::mutex> lock(mutex_);
  outbox_.assign(state.outbox.begin(), state.outbox.end());
  return absl::OkStatus();
}

absl::StatusOr<std::string> Control::SaveState() const {
  StateWriter writer;
  Encode(Save(), writer);
  return writer.Take();
}

absl::Status Control::RestoreState(absl::string_view bytes) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(const ControlState state, DecodeControlState(reader));
  CRVM_RETURN_IF_ERROR(reader.ExpectEnd());
  return Restore(state);
}

void Encode(const ControlState& state, StateWriter& writer) {
  writer.U32(kStateVersion);
  writer.U64(state.outbox.size());
  for (const std::string& message : state.outbox) writer.String(message);
  writer.U64(state.rx_heads.size());
  for (uint16_t head : state.rx_heads) writer.U16(head);
}

absl::StatusOr<ControlState> DecodeControlState(StateReader& reader) {
  CRVM_ASSIGN_OR_RETURN(const uint32_t version, reader.U32());
  if (version != kStateVersion) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "control state has version %d; this crvm reads version %d", version,
        kStateVersion));
  }
  ControlState state;
  CRVM_ASSIGN_OR_RETURN(const size_t count, reader.Count(Control::kMaxOutbox));
  for (size_t i = 0; i < count; ++i) {
    CRVM_ASSIGN_OR_RETURN(std::string message,
                          reader.String(abi::kControlMaxMessage));
    state.outbox.push_back(std::move(message));
  }
  CRVM_ASSIGN_OR_RETURN(const size_t heads, reader.Count(abi::kVirtqMaxSize));
  for (size_t i = 0; i < heads; ++i) {
    CRVM_ASSIGN_OR_RETURN(const uint16_t head, reader.U16());
    state.rx_heads.push_back(head);
  }
  return state;
}

}  // namespace crvm
