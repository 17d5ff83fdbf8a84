// SPDX-License-Identifier: Apache-2.0
//
// See socket.h.
#include "guestkernel/net/socket.h"

#include <asm/errno.h>
#include <asm/signal.h>

#include "guestkernel/ipc/anonymous_inode.h"
#include "guestkernel/net/unix_socket.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"

namespace gk {
namespace {

const char kSocketKind = 0;
constexpr uint32_t kFionread = 0x541b, kSiocoutq = 0x5411;

Deadline After(uint64_t timeout_ns) {
  return timeout_ns == 0 ? Deadline::Never() : Deadline::After(timeout_ns);
}

bool TypeIsKnown(int type) {
  return type == kSockStream || type == kSockDgram || type == kSockSeqPacket;
}

}  // namespace

Socket::Socket(int family, int type, uint32_t flags)
    : File(kOpenReadWrite | (flags & kOpenNonblock)),
      family_(family),
      type_(type),
      number_(NextAnonymousInode()) {}

const void* Socket::Kind() { return &kSocketKind; }

Deadline Socket::ReceiveDeadline() const { return After(receive_timeout_ns_); }
Deadline Socket::SendDeadline() const { return After(send_timeout_ns_); }

int64_t Socket::Read(UserIo& io) {
  SocketAddress from;
  Ancillary ancillary;  // descriptors that nobody asked for are closed
  uint32_t out_flags = 0;
  return Receive(io, 0, &from, &ancillary, &out_flags);
}

int64_t Socket::Write(UserIo& io) {
  Ancillary ancillary;
  return WithSigpipe(Send(io, nullptr, &ancillary, 0), 0);
}

int64_t Socket::Ioctl(uint32_t command, uint64_t argument) {
  int32_t value;
  switch (command) {
    case kFionread:
      value = static_cast<int32_t>(BytesReadable());
      break;
    case kSiocoutq:
      value = 0;  // what is sent is at once with the peer
      break;
    default:
      return -ENOTTY;
  }
  return WriteUser(UserAddress(argument), value);
}

int Socket::GetAttributes(FileAttributes* out) {
  FillAnonymousAttributes(kModeSocket | 0777, number_, out);
  return 0;
}

Result<KString> Socket::Describe() {
  KString text;
  GK_RETURN_IF_ERROR(text.AppendFormat("socket:[%lu]", number_));
  return text;
}

Result<RefPtr<Socket>> CreateSocket(int family, int type, int protocol,
                                    uint32_t flags) {
  if (family != kAfUnix) return Error(-EAFNOSUPPORT);
  if (!TypeIsKnown(type)) return Error(-ESOCKTNOSUPPORT);
  if (protocol != 0 && protocol != kAfUnix) return Error(-EPROTONOSUPPORT);
  auto socket = UnixSocket::Create(type, flags);
  if (!socket) return Error(-ENOMEM);
  return RefPtr<Socket>(std::move(socket));
}

int CreateSocketPair(int family, int type, int protocol, uint32_t flags,
                     RefPtr<Socket> out[2]) {
  for (int i = 0; i < 2; ++i) {
    GK_ASSIGN_OR_RETURN(out[i], CreateSocket(family, type, protocol, flags));
  }
  return UnixSocket::Pair(static_cast<UnixSocket*>(out[0].get()),
                          static_cast<UnixSocket*>(out[1].get()));
}

int64_t WithSigpipe(int64_t result, uint32_t flags) {
  if (result == -EPIPE && !(flags & kMsgNoSignal)) {
    SigInfo info = UserSigInfo(SIGPIPE, 0);
    SendSignalToThread(CurrentThread(), SIGPIPE, &info);
  }
  return result;
}

}  // namespace gk
