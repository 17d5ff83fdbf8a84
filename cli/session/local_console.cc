// SPDX-License-Identifier: Apache-2.0

#include "cli/session/local_console.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr size_t kReadSize = 64 * 1024;

// The host's file that the guest's terminal writes to: one that the program
// writes to, or else stdin, for the echo.
int TerminalOutput(const Guest& guest) {
  if (guest.IsTty(STDOUT_FILENO)) return STDOUT_FILENO;
  if (guest.IsTty(STDERR_FILENO)) return STDERR_FILENO;
  return STDIN_FILENO;
}

}  // namespace

LocalConsole::LocalConsole(Guest* guest)
    : guest_(guest),
      input_console_(guest->IsTty(STDIN_FILENO) ? guest->tty()
                                                : guest->stream(STDIN_FILENO)),
      input_(STDIN_FILENO),
      buffer_(kReadSize) {
  if (guest_->IsTty(STDIN_FILENO) && isatty(STDIN_FILENO) == 1) {
    terminal_.emplace(STDIN_FILENO,
                      /*keep_output_processing=*/isatty(STDOUT_FILENO) != 1);
  }
}

absl::Status LocalConsole::AttachOutput(GuestConsole* console, int fd) {
  if (console == nullptr) return absl::OkStatus();
  UniqueFd own(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!own.valid()) return ErrnoStatus(errno, "duplicate a standard file");
  console->AttachOutput(std::move(own));
  return absl::OkStatus();
}

absl::Status LocalConsole::Attach() {
  CRVM_RETURN_IF_ERROR(AttachOutput(guest_->tty(), TerminalOutput(*guest_)));
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (guest_->IsTty(fd)) continue;
    CRVM_RETURN_IF_ERROR(AttachOutput(guest_->stream(fd), fd));
  }
  OnContinue();
  return absl::OkStatus();
}

void LocalConsole::OnWindowChanged() {
  if (guest_->tty() == nullptr) return;
  const WindowSize size = HostWindowSize();
  guest_->tty()->SetWindowSize(size.cols, size.rows);
}

void LocalConsole::OnSuspend() {
  if (terminal_.has_value()) terminal_->Restore();
}

void LocalConsole::OnContinue() {
  if (terminal_.has_value()) terminal_->MakeRaw();
  OnWindowChanged();
}

void LocalConsole::ReadInput() {
  const size_t space = std::min(input_console_->InputSpace(), buffer_.size());
  if (space == 0) return;
  size_t length = 0;
  switch (input_.Read(absl::MakeSpan(buffer_.data(), space), &length)) {
    case HostInput::Result::kData:
      // All of it fits: only this thread fills the space.
      input_console_->PushInput(absl::MakeConstSpan(buffer_.data(), length));
      break;
    case HostInput::Result::kNothingYet:
      break;
    case HostInput::Result::kEnd:
      input_ended_ = true;
      input_console_->PushEof();
      break;
  }
}

void LocalConsole::AddTo(PollSet& set) {
  // A background process that reads from its terminal would be stopped.
  const bool may_read = !terminal_.has_value() || terminal_->is_raw();
  if (input_console_ != nullptr && input_enabled_ && !input_ended_ &&
      may_read && input_console_->InputSpace() != 0) {
    set.Add(input_.poll_fd(), POLLIN, [this](short) { ReadInput(); });
  }
  GuestConsole* const outputs[] = {guest_->tty(), guest_->stream(STDOUT_FILENO),
                                   guest_->stream(STDERR_FILENO)};
  for (GuestConsole* console : outputs) {
    if (console == nullptr) continue;
    set.Add(console->OutputFdToPoll(), POLLOUT,
            [console](short) { console->OutputReady(); });
  }
}

}  // namespace crvm
