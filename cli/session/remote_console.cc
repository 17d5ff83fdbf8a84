// SPDX-License-Identifier: Apache-2.0

#include "cli/session/remote_console.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "snapshot/transfer/protocol.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// Output is taken from the guest only while no more than this is queued.
constexpr size_t kMaxQueued = 1 << 20;
constexpr size_t kReadSize = 64 * 1024;

absl::Status Protocol(absl::string_view what) {
  return absl::DataLossError(what);
}

}  // namespace

RemoteConsole::RemoteConsole(Guest* guest, FrameChannel* channel)
    : guest_(guest),
      channel_(channel),
      input_console_(guest->IsTty(STDIN_FILENO) ? guest->tty()
                                                : guest->stream(STDIN_FILENO)) {
}

absl::Status RemoteConsole::AddOutput(GuestConsole* console, uint8_t fd) {
  if (console == nullptr) return absl::OkStatus();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
    return ErrnoStatus(errno, "make a pipe");
  }
  UniqueFd write_end(ends[1]);
  outputs_.push_back({console, fd, UniqueFd(ends[0])});
  console->AttachOutput(std::move(write_end));
  return absl::OkStatus();
}

absl::Status RemoteConsole::Attach() {
  CRVM_RETURN_IF_ERROR(AddOutput(guest_->tty(), STDOUT_FILENO));
  for (const uint8_t fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (guest_->IsTty(fd)) continue;
    CRVM_RETURN_IF_ERROR(AddOutput(guest_->stream(fd), fd));
  }
  // What came early.
  return HandleFrames();
}

bool RemoteConsole::ForwardOutput(const Output& output) {
  std::string bytes(kReadSize, '\0');
  const ssize_t n = read(output.read_end.get(), bytes.data(), bytes.size());
  if (n <= 0) return false;
  bytes.resize(static_cast<size_t>(n));
  if (connected_) {
    channel_->Queue(
        static_cast<uint16_t>(TransferMessage::kOutput),
        Encode(TransferOutput{.fd = output.fd, .bytes = std::move(bytes)}));
  }
  return true;
}

bool RemoteConsole::OnGuestStopped(int signal) {
  channel_->Queue(
      static_cast<uint16_t>(TransferMessage::kStopped),
      Encode(TransferNumber{.value = static_cast<uint64_t>(signal)}));
  return true;
}

bool RemoteConsole::Flushed() {
  for (const Output& output : outputs_) {
    while (channel_->queued() < kMaxQueued && ForwardOutput(output)) {
    }
  }
  if (connected_ && !channel_->Flush().ok()) Disconnect();
  return !connected_ || channel_->queued() == 0;
}

void RemoteConsole::GiveCredit() {
  if (input_console_ == nullptr || !input_enabled_ || input_ended_) return;
  const uint64_t space = input_console_->InputSpace();
  if (space <= credit_) return;
  channel_->Queue(static_cast<uint16_t>(TransferMessage::kInputCredit),
                  Encode(TransferNumber{.value = space - credit_}));
  credit_ = space;
}

void RemoteConsole::AddTo(PollSet& set) {
  if (connected_) {
    GiveCredit();
    set.Add(channel_->read_fd(), POLLIN, [this](short) { OnReadable(); });
    if (channel_->queued() != 0) {
      set.Add(channel_->write_fd(), POLLOUT, [this](short) {
        if (!channel_->Flush().ok()) Disconnect();
      });
    }
  }
  for (const Output& output : outputs_) {
    set.Add(output.console->OutputFdToPoll(), POLLOUT,
            [&output](short) { output.console->OutputReady(); });
    if (channel_->queued() < kMaxQueued || !connected_) {
      set.Add(output.read_end.get(), POLLIN,
              [this, &output](short) { ForwardOutput(output); });
    }
  }
}

absl::Status RemoteConsole::HandleFrames() {
  for (;;) {
    CRVM_ASSIGN_OR_RETURN(const std::optional<Frame> frame, channel_->Next());
    if (!frame.has_value()) return absl::OkStatus();
    CRVM_RETURN_IF_ERROR(OnFrame(*frame));
  }
}

void RemoteConsole::OnReadable() {
  const absl::Status read = channel_->ReadSome();
  if (!HandleFrames().ok() || !read.ok()) Disconnect();
}

absl::Status RemoteConsole::OnFrame(const Frame& frame) {
  switch (static_cast<TransferMessage>(frame.type)) {
    case TransferMessage::kInput: {
      TransferText input;
      CRVM_RETURN_IF_ERROR(Decode(frame.payload, input));
      return OnInput(input.text);
    }
    case TransferMessage::kInputEnd:
      if (input_console_ != nullptr && !input_ended_) input_console_->PushEof();
      input_ended_ = true;
      return absl::OkStatus();
    case TransferMessage::kWindow: {
      TransferWindow window;
      CRVM_RETURN_IF_ERROR(Decode(frame.payload, window));
      if (guest_->tty() != nullptr) {
        guest_->tty()->SetWindowSize(window.cols, window.rows);
      }
      return absl::OkStatus();
    }
    case TransferMessage::kSignal: {
      TransferNumber signal;
      CRVM_RETURN_IF_ERROR(Decode(frame.payload, signal));
      if (signal.value == 0 || signal.value > 64) {
        return Protocol("the other end sends an impossible signal");
      }
      // A guest that takes no signals is not the connection's fault.
      (void)guest_->SendSignal(static_cast<int>(signal.value),
                               SignalTarget::kForeground);
      return absl::OkStatus();
    }
    default:
      return Protocol("the other end sends what it may not");
  }
}

absl::Status RemoteConsole::OnInput(absl::string_view bytes) {
  if (bytes.size() > credit_ || input_ended_) {
    return Protocol("the other end sends more input than it may");
  }
  credit_ -= bytes.size();
  // What does not fit now did when the credit was given: only a guest that
  // resets its console meanwhile loses it.
  input_console_->PushInput(absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
  return absl::OkStatus();
}

void RemoteConsole::Disconnect() {
  if (!std::exchange(connected_, false)) return;
  (void)guest_->SendSignal(SIGHUP, SignalTarget::kForeground);
  // A program that a signal has stopped must go on to see it.
  (void)guest_->SendSignal(SIGCONT, SignalTarget::kForeground);
  if (input_console_ != nullptr && !input_ended_) input_console_->PushEof();
  input_ended_ = true;
}

}  // namespace crvm
