// SPDX-License-Identifier: Apache-2.0
//
// The socket layer: what every address family offers to the socket system
// calls. Unix sockets now; others register with SocketFamily.
#ifndef CRVM_GUESTKERNEL_NET_SOCKET_H_
#define CRVM_GUESTKERNEL_NET_SOCKET_H_

#include <cstdint>

#include "guestkernel/fs/file.h"
#include "guestkernel/fs/inode.h"
#include "guestkernel/lib/vector.h"

namespace gk {

// Constants of the ABI: bits/socket.h.
enum AddressFamily : int { kAfUnspec = 0, kAfUnix = 1 };
enum SocketType : int { kSockStream = 1, kSockDgram = 2, kSockSeqPacket = 5 };
enum MessageFlags : uint32_t {
  kMsgOob = 1,
  kMsgPeek = 2,
  kMsgCtrunc = 8,
  kMsgTrunc = 0x20,
  kMsgDontWait = 0x40,
  kMsgEor = 0x80,
  kMsgWaitAll = 0x100,
  kMsgNoSignal = 0x4000,
  kMsgMore = 0x8000,
  kMsgCmsgCloexec = 0x40000000,
};
enum ShutdownHow : int { kShutRead = 0, kShutWrite = 1, kShutBoth = 2 };

inline constexpr size_t kSocketAddressMax = 128;  // struct sockaddr_storage

struct SocketAddress {
  uint8_t bytes[kSocketAddressMax] = {};
  uint32_t length = 0;
  uint16_t family() const {
    return length < 2 ? 0 : static_cast<uint16_t>(bytes[0] | bytes[1] << 8);
  }
};

struct SocketCredentials {  // struct ucred
  int32_t pid = 0;
  uint32_t uid = 0xffffffff, gid = 0xffffffff;
};
static_assert(sizeof(SocketCredentials) == 12);

// What travels beside the data.
struct Ancillary {
  Vector<RefPtr<File>> files;  // SCM_RIGHTS
  SocketCredentials credentials;
  bool has_credentials = false;  // SCM_CREDENTIALS, to be shown
};

class Socket : public File {
 public:
  Socket(int family, int type, uint32_t flags);

  int family() const { return family_; }
  int type() const { return type_; }

  virtual int Bind(const SocketAddress& address) = 0;
  virtual int Connect(const SocketAddress& address) = 0;
  virtual int Listen(int backlog) = 0;
  // Blocks unless `nonblocking`; the peer's address in *peer.
  virtual Result<RefPtr<Socket>> Accept(bool nonblocking,
                                        SocketAddress* peer) = 0;
  // `to` may be null. Takes the files out of `ancillary`. -EPIPE: the caller
  // raises SIGPIPE.
  virtual int64_t Send(UserIo& io, const SocketAddress* to,
                       Ancillary* ancillary, uint32_t flags) = 0;
  // *out_flags gets kMsgTrunc and the like; `from` and `ancillary` are filled.
  virtual int64_t Receive(UserIo& io, uint32_t flags, SocketAddress* from,
                          Ancillary* ancillary, uint32_t* out_flags) = 0;
  virtual int Shutdown(int how) = 0;
  virtual int LocalAddress(SocketAddress* out) = 0;
  virtual int PeerAddress(SocketAddress* out) = 0;
  // SOL_SOCKET options are partly here, partly the family's.
  virtual int64_t SetOption(int level, int name, UserAddress value,
                            uint32_t length);
  virtual int64_t GetOption(int level, int name, UserAddress value,
                            UserAddress length);
  virtual bool is_listening() const = 0;
  virtual SocketCredentials PeerCredentials() const = 0;
  virtual size_t BytesReadable() const = 0;

  static const void* Kind();
  const void* kind() const override { return Kind(); }
  int64_t Read(UserIo& io) override;
  int64_t Write(UserIo& io) override;
  int64_t Ioctl(uint32_t command, uint64_t argument) override;
  int GetAttributes(FileAttributes* out) override;
  Result<KString> Describe() override;

  bool pass_credentials() const { return pass_credentials_; }
  uint64_t number() const { return number_; }

 protected:
  // The deadline of SO_RCVTIMEO / SO_SNDTIMEO from now.
  Deadline ReceiveDeadline() const;
  Deadline SendDeadline() const;

  const int family_;
  const int type_;
  const uint64_t number_;
  uint32_t send_buffer_ = 212992;
  uint32_t receive_buffer_ = 212992;
  uint64_t receive_timeout_ns_ = 0, send_timeout_ns_ = 0;
  bool pass_credentials_ = false;
  bool reuse_address_ = false, keep_alive_ = false, broadcast_ = false;
  int error_ = 0;  // SO_ERROR: positive errno, taken by reading
};

// socket(2): a new socket; -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT.
Result<RefPtr<Socket>> CreateSocket(int family, int type, int protocol,
                                    uint32_t flags);
// socketpair(2); -EOPNOTSUPP for families that have none.
int CreateSocketPair(int family, int type, int protocol, uint32_t flags,
                     RefPtr<Socket> out[2]);
// Raises SIGPIPE for an -EPIPE, unless kMsgNoSignal.
int64_t WithSigpipe(int64_t result, uint32_t flags);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_NET_SOCKET_H_
