// SPDX-License-Identifier: Apache-2.0

#include "cli/session/console_client.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cli/base/errors.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr size_t kReadSize = 64 * 1024;
// Nothing is read from the connection while this much output waits.
constexpr size_t kMaxWaiting = 1 << 20;
// What a pipe that poll() calls writable takes without blocking (PIPE_BUF).
constexpr size_t kWriteSize = 4096;

}  // namespace

ConsoleClient::ConsoleClient(FrameChannel* channel,
                             const TransferStarted& started)
    : channel_(channel),
      signals_([this](int signal) { OnSignal(signal); }),
      input_(STDIN_FILENO) {
  if (started.tty[STDIN_FILENO] && isatty(STDIN_FILENO) == 1) {
    terminal_.emplace(STDIN_FILENO,
                      /*keep_output_processing=*/isatty(STDOUT_FILENO) != 1);
    terminal_->MakeRaw();
  }
  SendWindow();
}

void ConsoleClient::SendWindow() {
  const WindowSize size = HostWindowSize();
  Send(TransferMessage::kWindow,
       Encode(TransferWindow{.cols = size.cols, .rows = size.rows}));
}

bool ConsoleClient::OutputIsFull() const {
  return stdout_.waiting() + stderr_.waiting() > kMaxWaiting;
}

absl::StatusOr<TransferOutcome> ConsoleClient::Run() {
  const auto is_out = [](const Output& output) {
    return output.waiting() == 0 || output.broken;
  };
  // What came together with the message that it started.
  error_ = HandleFrames();
  while (error_.ok() &&
         !(outcome_.has_value() && is_out(stdout_) && is_out(stderr_))) {
    PollSet set;
    AddTo(set);
    error_.Update(set.Run(-1));
  }
  if (terminal_.has_value()) terminal_->Restore();
  CRVM_RETURN_IF_ERROR(error_);
  return *std::move(outcome_);
}

void ConsoleClient::AddTo(PollSet& set) {
  signals_.AddTo(set);
  for (Output* output : {&stdout_, &stderr_}) {
    if (output->waiting() == 0 || output->broken) continue;
    set.Add(output->fd, POLLOUT, [this, output](short) { Write(*output); });
  }
  if (outcome_.has_value()) return;
  if (!OutputIsFull()) {
    set.Add(channel_->read_fd(), POLLIN,
            [this](short) { error_.Update(OnReadable()); });
  }
  if (channel_->queued() != 0) {
    // A lost connection shows when it is read.
    set.Add(channel_->write_fd(), POLLOUT,
            [this](short) { (void)channel_->Flush(); });
  }
  const bool may_read = !terminal_.has_value() || terminal_->is_raw();
  if (credit_ != 0 && !input_ended_ && may_read) {
    set.Add(input_.poll_fd(), POLLIN, [this](short) { ReadInput(); });
  }
}

void ConsoleClient::ReadInput() {
  std::string bytes(std::min<uint64_t>(credit_, kReadSize), '\0');
  size_t length = 0;
  switch (input_.Read(
      absl::MakeSpan(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()),
      &length)) {
    case HostInput::Result::kData:
      bytes.resize(length);
      credit_ -= length;
      Send(TransferMessage::kInput, Encode(TransferText{std::move(bytes)}));
      break;
    case HostInput::Result::kNothingYet:
      break;
    case HostInput::Result::kEnd:
      input_ended_ = true;
      Send(TransferMessage::kInputEnd, "");
      break;
  }
}

void ConsoleClient::Write(Output& output) {
  const ssize_t n = write(output.fd, output.bytes.data() + output.written,
                          std::min(output.waiting(), kWriteSize));
  if (n >= 0) {
    output.written += static_cast<size_t>(n);
  } else if (errno != EINTR && errno != EAGAIN) {
    // Nobody reads it any more.
    output.broken = true;
    if (output.fd == STDOUT_FILENO && errno == EPIPE) OnSignal(SIGPIPE);
  }
  if (output.waiting() == 0 || output.broken) {
    output.bytes.clear();
    output.written = 0;
  }
}

absl::Status ConsoleClient::HandleFrames() {
  for (;;) {
    CRVM_ASSIGN_OR_RETURN(const std::optional<Frame> frame, channel_->Next());
    if (!frame.has_value()) return absl::OkStatus();
    CRVM_RETURN_IF_ERROR(OnFrame(*frame));
  }
}

absl::Status ConsoleClient::OnReadable() {
  const absl::Status read = channel_->ReadSome();
  CRVM_RETURN_IF_ERROR(HandleFrames());
  return outcome_.has_value() ? absl::OkStatus() : read;
}

absl::Status ConsoleClient::OnFrame(const Frame& frame) {
  switch (static_cast<TransferMessage>(frame.type)) {
    case TransferMessage::kInputCredit: {
      TransferNumber credit;
      CRVM_RETURN_IF_ERROR(Decode(frame.payload, credit));
      credit_ += std::min<uint64_t>(credit.value, 1 << 20);
      return absl::OkStatus();
    }
    case TransferMessage::kOutput: {
      TransferOutput data;
      CRVM_RETURN_IF_ERROR(Decode(frame.payload, data));
      Output& output = data.fd == STDOUT_FILENO ? stdout_ : stderr_;
      if (!output.broken) output.bytes += data.bytes;
      return absl::OkStatus();
    }
    case TransferMessage::kStopped:
      guest_is_stopped_ = true;
      Suspend(/*whole_group=*/true);
      return absl::OkStatus();
    case TransferMessage::kWarning: {
      TransferText warning;
      CRVM_RETURN_IF_ERROR(Decode(frame.payload, warning));
      PrintWarning(warning.text);
      return absl::OkStatus();
    }
    case TransferMessage::kFailed:
    case TransferMessage::kExit:
      return Decode(frame.payload, outcome_.emplace());
    default:
      return absl::DataLossError("the other end sends what it may not");
  }
}

void ConsoleClient::Suspend(bool whole_group) {
  if (terminal_.has_value()) terminal_->Restore();
  HostSignals::StopSelf(whole_group);
  if (terminal_.has_value()) terminal_->MakeRaw();
  SendWindow();
}

void ConsoleClient::OnSignal(int signal) {
  switch (signal) {
    case SIGWINCH:
      SendWindow();
      return;
    case SIGTSTP:
      Suspend(/*whole_group=*/false);
      return;
    case SIGCONT:
      if (terminal_.has_value()) terminal_->MakeRaw();
      SendWindow();
      if (!std::exchange(guest_is_stopped_, false)) return;
      break;
    default:
      break;
  }
  Send(TransferMessage::kSignal,
       Encode(TransferNumber{static_cast<uint64_t>(signal)}));
}

}  // namespace crvm
