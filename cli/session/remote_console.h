// SPDX-License-Identifier: Apache-2.0
//
// The user's end of the consoles when the user is on another host: frames of
// docs/transfer_protocol.md over the connection that `crvm receive` has. When
// the connection is cut, the program gets SIGHUP and end of file, and its
// output is dropped. Main thread. The peer is untrusted.

#ifndef CRVM_CLI_SESSION_REMOTE_CONSOLE_H_
#define CRVM_CLI_SESSION_REMOTE_CONSOLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cli/session/console_end.h"
#include "cli/session/guest.h"
#include "snapshot/wire/frame_channel.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

class RemoteConsole : public ConsoleEnd {
 public:
  // Both must outlive this.
  RemoteConsole(Guest* guest, FrameChannel* channel);

  absl::Status Attach() override;
  void set_input_enabled(bool enabled) override { input_enabled_ = enabled; }
  bool OnGuestStopped(int signal) override;
  bool Flushed() override;
  void AddTo(PollSet& set) override;

  bool connected() const { return connected_; }

 private:
  // Output of a console on its way: it writes into a pipe.
  struct Output {
    GuestConsole* console;
    uint8_t fd;  // 1 or 2
    UniqueFd read_end;
  };

  absl::Status AddOutput(GuestConsole* console, uint8_t fd);
  // Queues what is in the pipe; false when that was nothing.
  bool ForwardOutput(const Output& output);
  void OnReadable();
  absl::Status HandleFrames();
  absl::Status OnFrame(const Frame& frame);
  absl::Status OnInput(absl::string_view bytes);
  void GiveCredit();
  void Disconnect();

  Guest* const guest_;
  FrameChannel* const channel_;
  GuestConsole* const input_console_;
  std::vector<Output> outputs_;
  uint64_t credit_ = 0;  // input that the peer may still send
  bool input_enabled_ = true;
  bool input_ended_ = false;
  bool connected_ = true;
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_REMOTE_CONSOLE_H_
