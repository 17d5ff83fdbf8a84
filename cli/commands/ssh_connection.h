// SPDX-License-Identifier: Apache-2.0
//
// A program on another host, started by the user's ssh, and the stream to it.
// Main thread.

#ifndef CRVM_CLI_COMMANDS_SSH_CONNECTION_H_
#define CRVM_CLI_COMMANDS_SSH_CONNECTION_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "snapshot/wire/frame_channel.h"

namespace crvm {

class SshConnection {
 public:
  // Runs `command` (for a shell there) on `host`. $CRVM_SSH, if set, is the
  // command to use for ssh, with its options.
  static absl::StatusOr<std::unique_ptr<SshConnection>> Start(
      const std::string& host, const std::string& command);

  SshConnection(const SshConnection&) = delete;
  SshConnection& operator=(const SshConnection&) = delete;
  // Closes the stream; ssh ends with it.
  ~SshConnection();

  FrameChannel& channel() { return *channel_; }

  // Closes the stream and waits for ssh's end: its exit code, which is the
  // remote command's, or 255 if ssh itself failed.
  int Wait();

 private:
  SshConnection(pid_t pid, std::unique_ptr<FrameChannel> channel)
      : pid_(pid), channel_(std::move(channel)) {}

  pid_t pid_;
  std::unique_ptr<FrameChannel> channel_;
};

// `word` as one word of a shell's command line. A leading ~ stays special.
std::string ShellWord(absl::string_view word);

}  // namespace crvm

#endif  // CRVM_CLI_COMMANDS_SSH_CONNECTION_H_
