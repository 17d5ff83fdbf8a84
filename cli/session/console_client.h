// SPDX-License-Identifier: Apache-2.0
//
// The near end of a remote VM's consoles: this process's terminal, standard
// files and signals, as frames over the connection. The counterpart of
// RemoteConsole. Main thread; the peer is untrusted, though what the program
// writes goes to the terminal as it is, as with any program.

#ifndef CRVM_CLI_SESSION_CONSOLE_CLIENT_H_
#define CRVM_CLI_SESSION_CONSOLE_CLIENT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/base/poll_set.h"
#include "cli/session/host_input.h"
#include "cli/session/host_signals.h"
#include "cli/session/terminal.h"
#include "snapshot/transfer/protocol.h"
#include "snapshot/wire/frame_channel.h"

namespace crvm {

class ConsoleClient {
 public:
  // `channel` must outlive this. HostSignals::Block has been called.
  ConsoleClient(FrameChannel* channel, const TransferStarted& started);

  // Until the program ends there; its exit code and what to tell the user.
  // Unavailable when the connection is cut.
  absl::StatusOr<TransferOutcome> Run();

 private:
  // Output that a standard file has not taken yet.
  struct Output {
    int fd;
    std::string bytes;
    size_t written = 0;
    bool broken = false;

    size_t waiting() const { return bytes.size() - written; }
  };

  void AddTo(PollSet& set);
  void ReadInput();
  void Write(Output& output);
  absl::Status OnReadable();
  absl::Status HandleFrames();
  absl::Status OnFrame(const Frame& frame);
  void OnSignal(int signal);
  void SendWindow();
  void Suspend(bool whole_group);
  void Send(TransferMessage type, const std::string& payload) {
    channel_->Queue(static_cast<uint16_t>(type), payload);
  }
  bool OutputIsFull() const;

  FrameChannel* const channel_;
  HostSignals signals_;
  HostInput input_;
  std::optional<Terminal> terminal_;
  Output stdout_{1, {}, 0, false};
  Output stderr_{2, {}, 0, false};
  uint64_t credit_ = 0;
  bool input_ended_ = false;
  bool guest_is_stopped_ = false;
  absl::Status error_;
  std::optional<TransferOutcome> outcome_;
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_CONSOLE_CLIENT_H_
