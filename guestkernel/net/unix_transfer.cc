// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets: sending and receiving.
#include <asm/errno.h>

#include "guestkernel/lib/heap.h"
#include "guestkernel/net/unix_socket.h"
#include "guestkernel/sched/process.h"

namespace gk {
namespace {

// A stream is cut into pieces of this size, so that a large send needs no
// large block of memory.
constexpr size_t kStreamPiece = 32768;
constexpr size_t kMaxQueuedDatagrams = 10;  // net.unix.max_dgram_qlen

// Gives the descriptors of a message; a peek leaves them there as well.
int GiveFiles(Vector<RefPtr<File>>& files, bool peek, Ancillary* out) {
  if (!peek) {
    out->files = std::move(files);
    return 0;
  }
  for (RefPtr<File>& file : files) {
    GK_RETURN_IF_ERROR(out->files.PushBack(file));
  }
  return 0;
}

}  // namespace

UniquePtr<UnixMessage> UnixMessage::Create(size_t size) {
  auto message = MakeUnique<UnixMessage>();
  if (!message) return nullptr;
  if (size > 0) {
    message->data = static_cast<uint8_t*>(HeapAllocate(size));
    if (!message->data) return nullptr;
  }
  message->size = size;
  return message;
}

UnixMessage::~UnixMessage() { HeapFree(data); }

void UnixSocket::DropFirst() {
  UnixMessage* message = queue_.PopFront();
  queued_bytes_ -= message->size - message->offset;
  --queued_messages_;
  delete message;  // closes descriptors that nobody took
}

// ---- sending

bool UnixSocket::HasRoom(size_t send_buffer) const {
  if (type_ == kSockDgram && queued_messages_ > kMaxQueuedDatagrams) {
    return false;
  }
  return QueueCost() < send_buffer;
}

void UnixSocket::AnnounceSpace() {
  handle_->space.WakeAll(kPollOut | kPollWrNorm);
  // A connected peer is polled by its own queue, which it had before.
  UnixSocket* other = type_ == kSockDgram ? nullptr : peer();
  if (other) other->handle_->space.WakeAll(kPollOut | kPollWrNorm);
}

int UnixSocket::WaitForSpace(UnixHandle& target, bool nonblocking) {
  auto ready = [&] {
    return !target.socket || write_shut_ ||
           target.socket->HasRoom(send_buffer_);
  };
  if (!ready()) {
    if (nonblocking) return -EAGAIN;
    int error = WaitUntil(target.space, ready, SendDeadline());
    if (error) return error == -ETIMEDOUT ? -EAGAIN : error;
  }
  if (write_shut_) return -EPIPE;
  if (!target.socket) return type_ == kSockDgram ? -ECONNREFUSED : -EPIPE;
  return 0;
}

int64_t UnixSocket::Deliver(UserIo& io, size_t n, UnixSocket* target,
                            Ancillary* ancillary) {
  UniquePtr<UnixMessage> message = UnixMessage::Create(n);
  if (!message) return -ENOMEM;
  if (n > 0 && io.CopyIn(message->data, n) != static_cast<int64_t>(n)) {
    return -EFAULT;
  }
  message->from = handle_->address;
  message->ancillary = std::move(*ancillary);
  if (!message->ancillary.has_credentials) {
    const Credentials& who = CurrentThread()->credentials;
    message->ancillary.credentials = {CurrentProcess()->pid, who.uid, who.gid};
  }
  target->queued_bytes_ += n;
  ++target->queued_messages_;
  target->queue_.PushBack(message.release());
  target->read_queue_.Wake(kPollIn | kPollRdNorm);
  return static_cast<int64_t>(n);
}

int64_t UnixSocket::Send(UserIo& io, const SocketAddress* to,
                         Ancillary* ancillary, uint32_t flags) {
  if (flags & kMsgOob) return -EOPNOTSUPP;
  bool wait = !nonblocking() && !(flags & kMsgDontWait);
  if (write_shut_) return -EPIPE;
  if (type_ == kSockDgram && to && to->length > 0) {
    GK_ASSIGN_OR_RETURN(RefPtr<UnixHandle> target, FindUnixSocket(*to));
    if (target->socket->type() != type_) return -EPROTOTYPE;
    return SendPacket(io, std::move(target), ancillary, !wait);
  }
  if (to && to->length > 0 && type_ == kSockStream) {
    return state_ == State::kConnected ? -EISCONN : -EOPNOTSUPP;
  }
  if (!peer_) return -ENOTCONN;
  if (type_ == kSockStream) return SendStream(io, ancillary, !wait);
  return SendPacket(io, peer_, ancillary, !wait);
}

int64_t UnixSocket::SendStream(UserIo& io, Ancillary* ancillary,
                               bool nonblocking) {
  RefPtr<UnixHandle> target = peer_;
  int64_t total = 0;
  if (io.remaining() == 0) return target->socket ? 0 : -EPIPE;
  while (io.remaining() > 0) {
    size_t n = io.remaining() < kStreamPiece ? io.remaining() : kStreamPiece;
    if (int error = WaitForSpace(*target, nonblocking)) {
      return total > 0 ? total : error;
    }
    int64_t sent = Deliver(io, n, target->socket, ancillary);
    if (sent < 0) return total > 0 ? total : sent;
    total += sent;
    *ancillary = Ancillary{};  // goes with the first piece
  }
  return total;
}

int64_t UnixSocket::SendPacket(UserIo& io, RefPtr<UnixHandle> target,
                               Ancillary* ancillary, bool nonblocking) {
  size_t n = io.remaining();
  if (n > send_buffer_) return -EMSGSIZE;
  GK_RETURN_IF_ERROR(WaitForSpace(*target, nonblocking));
  if (type_ == kSockDgram) {
    UnixSocket* other = target->socket;
    if (other->read_shut_) return -EPIPE;
    // It has connected to somebody else, and hears nobody but that one.
    if (other->peer_ && other->peer_ != handle_) return -EPERM;
  }
  return Deliver(io, n, target->socket, ancillary);
}

// ---- receiving

int UnixSocket::WaitForData(bool nonblocking) {
  auto ended = [this] {
    return read_shut_ || error_ ||
           (type_ != kSockDgram && state_ == State::kConnected && !peer());
  };
  auto ready = [&] { return !queue_.empty() || ended(); };
  if (ready()) return 0;
  if (nonblocking) return -EAGAIN;
  // One piece of a stream may serve several readers.
  int error = WaitUntil(read_queue_, ready, ReceiveDeadline(),
                        Interruptible::kYes, type_ != kSockStream);
  return error == -ETIMEDOUT ? -EAGAIN : error;
}

int64_t UnixSocket::Receive(UserIo& io, uint32_t flags, SocketAddress* from,
                            Ancillary* ancillary, uint32_t* out_flags) {
  if (flags & kMsgOob) return -EOPNOTSUPP;
  if (state_ == State::kListening ||
      (state_ == State::kFresh && type_ != kSockDgram)) {
    return type_ == kSockStream ? -EINVAL : -ENOTCONN;
  }
  bool nonblock = nonblocking() || (flags & kMsgDontWait);
  GK_RETURN_IF_ERROR(WaitForData(nonblock));
  if (queue_.empty()) {
    if (error_) return -std::exchange(error_, 0);
    return 0;
  }
  if (type_ != kSockStream) {
    return TakePacket(io, flags, from, ancillary, out_flags);
  }
  *from = queue_.front()->from;
  int64_t total = TakeStream(io, flags, ancillary);
  while ((flags & kMsgWaitAll) && !(flags & kMsgPeek) && total > 0 &&
         io.remaining() > 0 && WaitForData(nonblock) == 0 && !queue_.empty() &&
         queue_.front()->ancillary.files.empty()) {
    int64_t n = TakeStream(io, flags, ancillary);
    if (n <= 0) break;
    total += n;
  }
  return total;
}

void UnixSocket::ShowCredentials(const UnixMessage& message,
                                 Ancillary* ancillary) const {
  ancillary->credentials = message.ancillary.credentials;
  ancillary->has_credentials = pass_credentials_;
}

int64_t UnixSocket::TakeStream(UserIo& io, uint32_t flags,
                               Ancillary* ancillary) {
  int64_t total = 0;
  bool took_files = false;
  UnixMessage* message = queue_.front();
  ShowCredentials(*message, ancillary);
  while (message && io.remaining() > 0) {
    // Descriptors mark a boundary: data behind others' is not mixed in.
    bool has_files = !message->ancillary.files.empty();
    if (has_files && total > 0) break;
    if (has_files) {
      GK_RETURN_IF_ERROR(
          GiveFiles(message->ancillary.files, flags & kMsgPeek, ancillary));
      took_files = true;
    }
    int64_t n = io.CopyOut(message->data + message->offset,
                           message->size - message->offset);
    if (n < 0) return total > 0 ? total : n;
    total += n;
    if (flags & kMsgPeek) {
      if (took_files) break;
      message = queue_.Next(message);
      continue;
    }
    message->offset += static_cast<size_t>(n);
    queued_bytes_ -= static_cast<size_t>(n);
    if (message->offset < message->size) break;
    DropFirst();
    if (took_files) break;
    message = queue_.front();
  }
  AnnounceSpace();
  return total;
}

int64_t UnixSocket::TakePacket(UserIo& io, uint32_t flags, SocketAddress* from,
                               Ancillary* ancillary, uint32_t* out_flags) {
  UnixMessage* message = queue_.front();
  *from = message->from;
  ShowCredentials(*message, ancillary);
  int64_t n = io.CopyOut(message->data, message->size);
  if (n < 0) return n;
  int64_t result = n;
  if (static_cast<size_t>(n) < message->size) {
    *out_flags |= kMsgTrunc;
    if (flags & kMsgTrunc) result = static_cast<int64_t>(message->size);
  }
  if (type_ == kSockSeqPacket) *out_flags |= kMsgEor;
  bool peek = flags & kMsgPeek;
  GK_RETURN_IF_ERROR(GiveFiles(message->ancillary.files, peek, ancillary));
  if (peek) return result;
  DropFirst();
  AnnounceSpace();
  return result;
}

}  // namespace gk
