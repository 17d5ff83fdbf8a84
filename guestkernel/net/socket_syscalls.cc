// SPDX-License-Identifier: Apache-2.0
//
// The socket system calls that carry no messages (those: message_syscalls.cc).
#include <asm/errno.h>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/net/socket_args.h"
#include "guestkernel/net/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {
namespace {

// SOCK_CLOEXEC and SOCK_NONBLOCK equal the open flags.
constexpr int kTypeMask = 0xf;
constexpr uint32_t kTypeFlags = kOpenCloexec | kOpenNonblock;

int SplitType(int argument, int* type, uint32_t* flags) {
  *type = argument & kTypeMask;
  *flags = static_cast<uint32_t>(argument) & ~uint32_t{kTypeMask};
  return *flags & ~kTypeFlags ? -EINVAL : 0;
}

int64_t DoAccept(const SyscallArgs& args, uint32_t flags) {
  if (flags & ~kTypeFlags) return -EINVAL;
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  SocketAddress peer;
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> accepted,
                      socket->Accept(socket->nonblocking(), &peer));
  if (flags & kOpenNonblock) {
    accepted->set_flags(accepted->flags() | kOpenNonblock);
  }
  GK_ASSIGN_OR_RETURN(int fd, InstallFile(std::move(accepted), flags));
  if (!args.User(1).is_null()) {
    int error = WriteSocketAddress(peer, args.User(1), args.User(2));
    if (error) {
      CurrentProcess()->files->Close(fd);
      return error;
    }
  }
  return fd;
}

}  // namespace

int64_t SysSocket(const SyscallArgs& args) {
  int type;
  uint32_t flags;
  GK_RETURN_IF_ERROR(SplitType(args.Int(1), &type, &flags));
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket,
                      CreateSocket(args.Int(0), type, args.Int(2), flags));
  GK_ASSIGN_OR_RETURN(int fd, InstallFile(std::move(socket), flags));
  return fd;
}

int64_t SysSocketpair(const SyscallArgs& args) {
  int type;
  uint32_t flags;
  GK_RETURN_IF_ERROR(SplitType(args.Int(1), &type, &flags));
  RefPtr<Socket> pair[2];
  GK_RETURN_IF_ERROR(
      CreateSocketPair(args.Int(0), type, args.Int(2), flags, pair));
  GK_ASSIGN_OR_RETURN(int first, InstallFile(pair[0], flags));
  auto second = InstallFile(pair[1], flags);
  FdTable& table = *CurrentProcess()->files;
  if (!second.ok()) {
    table.Close(first);
    return second.error();
  }
  int32_t fds[2] = {first, *second};
  if (int error = CopyToUser(args.User(3), fds, sizeof(fds))) {
    table.Close(first);
    table.Close(*second);
    return error;
  }
  return 0;
}

int64_t SysBind(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  GK_ASSIGN_OR_RETURN(SocketAddress address,
                      ReadSocketAddress(args.User(1), args.U32(2)));
  return socket->Bind(address);
}

int64_t SysConnect(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  GK_ASSIGN_OR_RETURN(SocketAddress address,
                      ReadSocketAddress(args.User(1), args.U32(2)));
  return socket->Connect(address);
}

int64_t SysListen(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  return socket->Listen(args.Int(1));
}

int64_t SysAccept(const SyscallArgs& args) { return DoAccept(args, 0); }

int64_t SysAccept4(const SyscallArgs& args) {
  return DoAccept(args, args.U32(3));
}

int64_t SysShutdown(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  return socket->Shutdown(args.Int(1));
}

int64_t SysGetsockname(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  SocketAddress address;
  GK_RETURN_IF_ERROR(socket->LocalAddress(&address));
  return WriteSocketAddress(address, args.User(1), args.User(2));
}

int64_t SysGetpeername(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  SocketAddress address;
  GK_RETURN_IF_ERROR(socket->PeerAddress(&address));
  return WriteSocketAddress(address, args.User(1), args.User(2));
}

int64_t SysSetsockopt(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  if (args.Int(4) < 0) return -EINVAL;
  return socket->SetOption(args.Int(1), args.Int(2), args.User(3), args.U32(4));
}

int64_t SysGetsockopt(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  return socket->GetOption(args.Int(1), args.Int(2), args.User(3),
                           args.User(4));
}

}  // namespace gk
