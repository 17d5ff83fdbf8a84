// SPDX-License-Identifier: Apache-2.0
//
// The VM's end of the control socket, in the main thread's loop. A client that
// does not read or write holds up nobody but itself.

#ifndef CRVM_CLI_CONTROL_CONTROL_SERVER_H_
#define CRVM_CLI_CONTROL_CONTROL_SERVER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cli/base/poll_set.h"
#include "cli/control/messages.h"
#include "snapshot/wire/frame_channel.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

class ControlServer : public PollSource {
 public:
  // Names a connection for as long as the server lives.
  using ClientId = uint64_t;

  // Answers requests, at once or later, with Reply.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void OnInfo(ClientId client) = 0;
    virtual void OnSnapshot(ClientId client, const SnapshotRequest&) = 0;
    virtual void OnKill(ClientId client, const KillRequest&) = 0;
    virtual void OnResize(ClientId client, const ResizeRequest&) = 0;
  };

  // `listener` as from ListenControl. The handler must outlive this.
  ControlServer(UniqueFd listener, Handler* handler)
      : listener_(std::move(listener)), handler_(handler) {}

  // Sends and, but for kProgress, ends the connection after it. A client that
  // is gone is ignored.
  void Reply(ClientId client, ControlMessage type, absl::string_view payload);
  void ReplyError(ClientId client, const absl::Status& status, int exit_code);

  void AddTo(PollSet& set) override;

  // Waits a moment for clients to take their answers; before the VM ends.
  void Drain();

 private:
  struct Client {
    ClientId id;
    FrameChannel channel;
    bool asked = false;
    bool answered = false;
    bool gone = false;
  };

  static constexpr size_t kMaxClients = 64;
  // Progress to a client that does not read it is dropped.
  static constexpr size_t kMaxQueued = 1 << 20;

  void Accept();
  void OnReadable(Client& client);
  void OnWritable(Client& client);
  void Dispatch(Client& client, const Frame& frame);
  void Reap();
  bool HasUnsent() const;

  UniqueFd listener_;
  Handler* const handler_;
  std::vector<std::unique_ptr<Client>> clients_;
  ClientId next_id_ = 1;
};

}  // namespace crvm

#endif  // CRVM_CLI_CONTROL_CONTROL_SERVER_H_
