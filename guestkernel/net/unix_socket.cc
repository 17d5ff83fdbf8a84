// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets: connecting, and what both kinds of transfer share.
#include "guestkernel/net/unix_socket.h"

#include <asm/errno.h>

#include "guestkernel/sched/process.h"

namespace gk {
namespace {

constexpr size_t kMaxBacklog = 4096;  // net.core.somaxconn

SocketCredentials CredentialsOfCaller() {
  const Credentials& who = CurrentThread()->credentials;
  return SocketCredentials{CurrentProcess()->pid, who.euid, who.egid};
}

}  // namespace

RefPtr<UnixSocket> UnixSocket::Create(int type, uint32_t flags) {
  auto socket = MakeRef<UnixSocket>(type, flags);
  if (!socket) return nullptr;
  socket->handle_ = MakeRef<UnixHandle>();
  if (!socket->handle_) return nullptr;
  socket->handle_->socket = socket.get();
  return socket;
}

UnixSocket::~UnixSocket() {
  if (!handle_) return;
  handle_->socket = nullptr;
  handle_->abstract_link.Unlink();
  handle_->space.WakeAll();
  if (UnixSocket* other = peer(); other && type_ != kSockDgram) {
    // Unread data makes it a reset, as on Linux.
    if (!queue_.empty()) other->error_ = ECONNRESET;
    other->read_queue_.WakeAll();
    other->handle_->space.WakeAll();
  }
  if (bound_inode_ && bound_inode_->attached == handle_.get()) {
    bound_inode_->attached.reset();
  }
  // Connections that nobody accepted are reset.
  for (RefPtr<UnixSocket>& embryo : pending_) {
    if (UnixSocket* client = embryo->peer()) client->error_ = ECONNRESET;
  }
  while (!queue_.empty()) DropFirst();
}

void UnixSocket::Join(UnixSocket* a, UnixSocket* b) {
  a->peer_ = b->handle_;
  b->peer_ = a->handle_;
  a->state_ = b->state_ = State::kConnected;
}

int UnixSocket::Pair(UnixSocket* a, UnixSocket* b) {
  Join(a, b);
  a->own_credentials_ = b->own_credentials_ = CredentialsOfCaller();
  a->peer_credentials_ = b->peer_credentials_ = a->own_credentials_;
  return 0;
}

int UnixSocket::Listen(int backlog) {
  if (type_ == kSockDgram) return -EOPNOTSUPP;
  if (handle_->address.length == 0 || state_ == State::kConnected) {
    return -EINVAL;
  }
  backlog_ = backlog < 0 || static_cast<size_t>(backlog) > kMaxBacklog
                 ? kMaxBacklog
                 : static_cast<size_t>(backlog);
  state_ = State::kListening;
  own_credentials_ = CredentialsOfCaller();
  handle_->space.WakeAll();
  return 0;
}

int UnixSocket::Connect(const SocketAddress& address) {
  if (type_ == kSockDgram && address.family() == kAfUnspec) {
    peer_.reset();
    state_ = State::kFresh;
    return 0;
  }
  if (type_ != kSockDgram && state_ == State::kConnected) return -EISCONN;
  if (state_ == State::kListening) return -EINVAL;
  GK_ASSIGN_OR_RETURN(RefPtr<UnixHandle> target, FindUnixSocket(address));
  if (target->socket->type() != type_) return -EPROTOTYPE;
  if (type_ != kSockDgram) return ConnectStream(std::move(target));
  UnixSocket* other = target->socket;
  if (other->peer_ && other->peer_ != handle_) return -EPERM;
  peer_ = std::move(target);
  state_ = State::kConnected;
  peer_->socket->read_queue_.WakeAll();
  return 0;
}

int UnixSocket::ConnectStream(RefPtr<UnixHandle> target) {
  auto can_queue = [&target] {
    UnixSocket* l = target->socket;
    return !l || !l->is_listening() || l->read_shut_ ||
           l->pending_.size() <= l->backlog_;
  };
  if (!can_queue()) {
    if (nonblocking()) return -EAGAIN;
    int error = WaitUntil(target->space, can_queue, SendDeadline());
    if (error) return error == -ETIMEDOUT ? -EAGAIN : error;
    if (state_ == State::kConnected) return -EISCONN;
  }
  UnixSocket* listener = target->socket;
  if (!listener || !listener->is_listening() || listener->read_shut_) {
    return -ECONNREFUSED;
  }
  auto server = UnixSocket::Create(type_, 0);
  if (!server) return -ENOMEM;
  GK_RETURN_IF_ERROR(listener->pending_.PushBack(server));
  Join(this, server.get());
  own_credentials_ = CredentialsOfCaller();
  server->own_credentials_ = listener->own_credentials_;
  peer_credentials_ = listener->own_credentials_;
  server->peer_credentials_ = own_credentials_;
  // The accepted socket answers to the listener's name.
  server->handle_->address = listener->handle_->address;
  server->pass_credentials_ = listener->pass_credentials_;
  listener->read_queue_.Wake(kPollIn | kPollRdNorm);
  handle_->space.WakeAll(kPollOut | kPollWrNorm);
  return 0;
}

Result<RefPtr<Socket>> UnixSocket::Accept(bool nonblocking,
                                          SocketAddress* peer_address) {
  if (type_ == kSockDgram) return Error(-EOPNOTSUPP);
  if (state_ != State::kListening) return Error(-EINVAL);
  if (pending_.empty()) {
    if (nonblocking) return Error(-EAGAIN);
    int error = WaitUntil(
        read_queue_, [this] { return !pending_.empty() || read_shut_; },
        ReceiveDeadline(), Interruptible::kYes, /*exclusive=*/true);
    if (error) return Error(error == -ETIMEDOUT ? -EAGAIN : error);
    if (pending_.empty()) return Error(-EINVAL);
  }
  RefPtr<UnixSocket> accepted = pending_[0];
  pending_.RemoveAt(0);
  handle_->space.WakeAll();
  accepted->PeerAddress(peer_address);
  return RefPtr<Socket>(std::move(accepted));
}

int UnixSocket::Shutdown(int how) {
  if (how < kShutRead || how > kShutBoth) return -EINVAL;
  if (state_ == State::kFresh && type_ != kSockDgram) return -ENOTCONN;
  if (how != kShutWrite) read_shut_ = true;
  if (how != kShutRead) write_shut_ = true;
  UnixSocket* other = type_ == kSockDgram ? nullptr : peer();
  if (other) {
    if (read_shut_) other->write_shut_ = true;
    if (write_shut_) other->read_shut_ = true;
    other->read_queue_.WakeAll();
    other->handle_->space.WakeAll();
  }
  read_queue_.WakeAll();
  handle_->space.WakeAll();
  return 0;
}

int UnixSocket::LocalAddress(SocketAddress* out) {
  *out = handle_->address;
  if (out->length == 0) {
    out->bytes[0] = kAfUnix;
    out->length = 2;
  }
  return 0;
}

int UnixSocket::PeerAddress(SocketAddress* out) {
  if (!peer_) return -ENOTCONN;
  *out = peer_->address;
  if (out->length == 0) {
    out->bytes[0] = kAfUnix;
    out->length = 2;
  }
  return 0;
}

SocketCredentials UnixSocket::PeerCredentials() const {
  return peer_ ? peer_credentials_ : SocketCredentials{};
}

size_t UnixSocket::BytesReadable() const {
  if (type_ == kSockStream) return queued_bytes_;
  return queue_.empty() ? 0 : queue_.front()->size;
}

uint32_t UnixSocket::Poll(PollTable* table) {
  UnixSocket* other = peer();
  if (table) {
    table->Add(&read_queue_);
    table->Add(&handle_->space);
    if (type_ == kSockDgram && peer_) table->Add(&peer_->space);
  }
  uint32_t events = 0;
  bool peer_gone = state_ == State::kConnected && !other;
  if (state_ == State::kListening) {
    return pending_.empty() ? 0 : kPollIn | kPollRdNorm;
  }
  if (!queue_.empty()) events |= kPollIn | kPollRdNorm;
  if (error_) events |= kPollErr;
  if (type_ != kSockDgram) {
    if (read_shut_ || peer_gone) events |= kPollIn | kPollRdNorm | kPollRdHup;
    if (peer_gone || (read_shut_ && write_shut_)) events |= kPollHup;
    if (state_ == State::kFresh)
      return events | kPollOut | kPollWrNorm | kPollHup;
  }
  // As Linux: when a quarter at most is used, so that it pays.
  if (!other || write_shut_ ||
      (other->HasRoom(send_buffer_) &&
       other->QueueCost() * 4 <= send_buffer_)) {
    events |= kPollOut | kPollWrNorm;
  }
  return events;
}

}  // namespace gk
