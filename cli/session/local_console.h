// SPDX-License-Identifier: Apache-2.0
//
// Connects the guest's consoles to this process's stdin, stdout and stderr, be
// they terminals, pipes, files or a mixture. Main thread.

#ifndef CRVM_CLI_SESSION_LOCAL_CONSOLE_H_
#define CRVM_CLI_SESSION_LOCAL_CONSOLE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "cli/session/console_end.h"
#include "cli/session/guest.h"
#include "cli/session/host_input.h"
#include "cli/session/terminal.h"

namespace crvm {

class LocalConsole : public ConsoleEnd {
 public:
  // `guest` must outlive this.
  explicit LocalConsole(Guest* guest);

  absl::Status Attach() override;
  void set_input_enabled(bool enabled) override { input_enabled_ = enabled; }
  void OnWindowChanged() override;
  void OnSuspend() override;
  void OnContinue() override;
  void AddTo(PollSet& set) override;

  // Whether the keyboard's ^C goes to the guest and to nobody else.
  bool has_terminal() const { return terminal_.has_value(); }

 private:
  absl::Status AttachOutput(GuestConsole* console, int fd);
  void ReadInput();

  Guest* const guest_;
  // Where input goes: the terminal or the stdin stream.
  GuestConsole* const input_console_;
  HostInput input_;
  std::optional<Terminal> terminal_;
  std::vector<uint8_t> buffer_;
  bool input_enabled_ = true;
  bool input_ended_ = false;
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_LOCAL_CONSOLE_H_
