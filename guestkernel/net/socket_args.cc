// SPDX-License-Identifier: Apache-2.0
//
// See socket_args.h.
#include "guestkernel/net/socket_args.h"

#include <asm/errno.h>

#include "guestkernel/fs/fd_table.h"

namespace gk {

Result<RefPtr<Socket>> GetSocket(int fd) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(fd));
  if (file->kind() != Socket::Kind()) return Error(-ENOTSOCK);
  return StaticCast<Socket>(file);
}

Result<SocketAddress> ReadSocketAddress(UserAddress at, uint32_t length) {
  if (length > kSocketAddressMax) return Error(-EINVAL);
  SocketAddress address;
  GK_RETURN_IF_ERROR(CopyFromUser(address.bytes, at, length));
  address.length = length;
  return address;
}

int WriteSocketAddress(const SocketAddress& address, UserAddress at,
                       UserAddress length_at) {
  GK_ASSIGN_OR_RETURN(int32_t room, ReadUser<int32_t>(length_at));
  if (room < 0) return -EINVAL;
  uint32_t n = static_cast<uint32_t>(room) < address.length
                   ? static_cast<uint32_t>(room)
                   : address.length;
  GK_RETURN_IF_ERROR(CopyToUser(at, address.bytes, n));
  return WriteUser(length_at, address.length);
}

}  // namespace gk
