// SPDX-License-Identifier: Apache-2.0

#include "cli/control/control_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "cli/base/exit_codes.h"
#include "cli/control/control_socket.h"

namespace crvm {

void ControlServer::AddTo(PollSet& set) {
  Reap();
  if (clients_.size() < kMaxClients) {
    set.Add(listener_.get(), POLLIN, [this](short) { Accept(); });
  }
  for (const std::unique_ptr<Client>& owned : clients_) {
    Client* client = owned.get();
    if (client->channel.queued() != 0) {
      set.Add(client->channel.write_fd(), POLLOUT,
              [this, client](short) { OnWritable(*client); });
    } else {
      set.Add(client->channel.read_fd(), POLLIN,
              [this, client](short) { OnReadable(*client); });
    }
  }
}

void ControlServer::Accept() {
  UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd.valid() || !CheckPeer(fd.get()).ok()) return;
  clients_.push_back(std::unique_ptr<Client>(new Client{
      .id = next_id_++, .channel = FrameChannel(std::move(fd), UniqueFd())}));
}

void ControlServer::OnReadable(Client& client) {
  if (!client.channel.ReadSome().ok()) {
    client.gone = true;
    return;
  }
  const auto frame = client.channel.Next();
  if (!frame.ok() || (frame->has_value() && client.asked)) {
    client.gone = true;
    return;
  }
  if (frame->has_value()) {
    client.asked = true;
    Dispatch(client, **frame);
  }
}

void ControlServer::OnWritable(Client& client) {
  if (!client.channel.Flush().ok()) client.gone = true;
}

void ControlServer::Dispatch(Client& client, const Frame& frame) {
  absl::Status status;
  const auto decode_and = [&](auto request, auto call) {
    status = Decode(frame.payload, request);
    if (status.ok()) call(request);
  };
  switch (static_cast<ControlMessage>(frame.type)) {
    case ControlMessage::kInfo:
      handler_->OnInfo(client.id);
      break;
    case ControlMessage::kSnapshot:
      decode_and(SnapshotRequest(), [&](const SnapshotRequest& request) {
        handler_->OnSnapshot(client.id, request);
      });
      break;
    case ControlMessage::kKill:
      decode_and(KillRequest(), [&](const KillRequest& request) {
        handler_->OnKill(client.id, request);
      });
      break;
    case ControlMessage::kResize:
      decode_and(ResizeRequest(), [&](const ResizeRequest& request) {
        handler_->OnResize(client.id, request);
      });
      break;
    default:
      status = absl::UnimplementedError(
          "the VM runs under another version of crvm, which does not know "
          "this request");
  }
  if (!status.ok()) ReplyError(client.id, status, kExitError);
}

void ControlServer::Reply(ClientId id, ControlMessage type,
                          absl::string_view payload) {
  for (const std::unique_ptr<Client>& client : clients_) {
    if (client->id != id || client->gone) continue;
    const bool progress = type == ControlMessage::kProgress;
    if (progress && client->channel.queued() > kMaxQueued) return;
    client->channel.Queue(static_cast<uint16_t>(type), payload);
    if (!progress) client->answered = true;
    OnWritable(*client);
    return;
  }
}

void ControlServer::ReplyError(ClientId id, const absl::Status& status,
                               int exit_code) {
  Reply(id, ControlMessage::kError,
        Encode(ErrorReply{.exit_code = static_cast<uint32_t>(exit_code),
                          .message = std::string(status.message())}));
}

void ControlServer::Reap() {
  const auto is_done = [](const std::unique_ptr<Client>& client) {
    return client->gone || (client->answered && client->channel.queued() == 0);
  };
  clients_.erase(std::remove_if(clients_.begin(), clients_.end(), is_done),
                 clients_.end());
}

bool ControlServer::HasUnsent() const {
  return std::any_of(clients_.begin(), clients_.end(),
                     [](const std::unique_ptr<Client>& client) {
                       return !client->gone && client->channel.queued() != 0;
                     });
}

void ControlServer::Drain() {
  listener_.reset();
  for (int round = 0; round < 10 && HasUnsent(); ++round) {
    PollSet set;
    AddTo(set);
    if (!set.Run(/*timeout_ms=*/100).ok()) return;
  }
}

}  // namespace crvm
