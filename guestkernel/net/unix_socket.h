// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets, unix(7): stream, datagram, seqpacket; path and abstract names;
// descriptors and credentials in flight. All data lives in the receiver's
// queue, in guest memory.
#ifndef CRVM_GUESTKERNEL_NET_UNIX_SOCKET_H_
#define CRVM_GUESTKERNEL_NET_UNIX_SOCKET_H_

#include <cstdint>

#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/net/socket.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

class UnixSocket;

// A piece of data on its way: a datagram, or what one send gave to a stream.
struct UnixMessage {
  static UniquePtr<UnixMessage> Create(size_t size);
  ~UnixMessage();
  ListLink link;
  uint8_t* data = nullptr;
  size_t size = 0, offset = 0;  // offset: already read, of a stream
  SocketAddress from;
  Ancillary ancillary;
};

// What others hold of a socket: its name, its peer, those who wait to send to
// it. Outlives the socket, so that they can tell that it is gone.
class UnixHandle : public RefCounted {
 public:
  UnixSocket* socket = nullptr;  // null: closed
  WaitQueue space;               // woken when its queue has room, or it closes
  ListLink abstract_link;        // in the table of abstract names
  SocketAddress address;         // its name, if bound
};

class UnixSocket final : public Socket {
 public:
  // Null: out of memory.
  static RefPtr<UnixSocket> Create(int type, uint32_t flags);
  ~UnixSocket() override;

  static int Pair(UnixSocket* a, UnixSocket* b);

  int Bind(const SocketAddress& address) override;
  int Connect(const SocketAddress& address) override;
  int Listen(int backlog) override;
  Result<RefPtr<Socket>> Accept(bool nonblocking, SocketAddress* peer) override;
  int64_t Send(UserIo& io, const SocketAddress* to, Ancillary* ancillary,
               uint32_t flags) override;
  int64_t Receive(UserIo& io, uint32_t flags, SocketAddress* from,
                  Ancillary* ancillary, uint32_t* out_flags) override;
  int Shutdown(int how) override;
  int LocalAddress(SocketAddress* out) override;
  int PeerAddress(SocketAddress* out) override;
  bool is_listening() const override { return state_ == State::kListening; }
  SocketCredentials PeerCredentials() const override;
  size_t BytesReadable() const override;
  uint32_t Poll(PollTable* table) override;

 private:
  enum class State { kFresh, kListening, kConnected };

  template <typename T, typename... Args>
  friend RefPtr<T> MakeRef(Args&&... args);
  UnixSocket(int type, uint32_t flags) : Socket(kAfUnix, type, flags) {}

  UnixSocket* peer() const { return peer_ ? peer_->socket : nullptr; }
  int BindPath(StringView path, const SocketAddress& address);
  int BindAbstract(const SocketAddress& address);
  int AutoBind();
  int ConnectStream(RefPtr<UnixHandle> listener);
  static void Join(UnixSocket* a, UnixSocket* b);
  // What the queue holds, with the memory for keeping it.
  size_t QueueCost() const {
    return queued_bytes_ + queued_messages_ * sizeof(UnixMessage);
  }
  // Whether a sender with this SO_SNDBUF may queue a message here now. The last
  // one may exceed it, as on Linux: so that POLLOUT is true for every size.
  bool HasRoom(size_t send_buffer) const;
  // Room for senders again: wakes them, and whoever polls the peer.
  void AnnounceSpace();
  int64_t SendStream(UserIo& io, Ancillary* ancillary, bool nonblocking);
  int64_t SendPacket(UserIo& io, RefPtr<UnixHandle> target,
                     Ancillary* ancillary, bool nonblocking);
  // Waits until `target` has room. -EPIPE or -ECONNREFUSED when it is gone.
  int WaitForSpace(UnixHandle& target, bool nonblocking);
  // Copies the next n bytes of the sender into a message for `target`.
  int64_t Deliver(UserIo& io, size_t n, UnixSocket* target,
                  Ancillary* ancillary);
  int WaitForData(bool nonblocking);
  int64_t TakeStream(UserIo& io, uint32_t flags, Ancillary* ancillary);
  int64_t TakePacket(UserIo& io, uint32_t flags, SocketAddress* from,
                     Ancillary* ancillary, uint32_t* out_flags);
  void ShowCredentials(const UnixMessage& message, Ancillary* ancillary) const;
  void DropFirst();

  State state_ = State::kFresh;
  RefPtr<UnixHandle> handle_;
  RefPtr<UnixHandle> peer_;
  RefPtr<Inode> bound_inode_;  // kept, since Inode::attached hangs on it
  SocketCredentials own_credentials_, peer_credentials_;
  bool read_shut_ = false, write_shut_ = false;

  IntrusiveList<UnixMessage, &UnixMessage::link> queue_;
  size_t queued_bytes_ = 0, queued_messages_ = 0;
  Vector<RefPtr<UnixSocket>> pending_;  // of a listener: not yet accepted
  size_t backlog_ = 0;
  WaitQueue read_queue_;
};

// unix_names.cc: what a name leads to. -ECONNREFUSED, -ENOENT, -EINVAL.
Result<RefPtr<UnixHandle>> FindUnixSocket(const SocketAddress& address);
void AddAbstractName(UnixHandle* handle);
bool AbstractNameIsTaken(const SocketAddress& address);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_NET_UNIX_SOCKET_H_
