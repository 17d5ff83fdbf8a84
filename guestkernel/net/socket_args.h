// SPDX-License-Identifier: Apache-2.0
//
// Arguments of socket system calls.
#ifndef CRVM_GUESTKERNEL_NET_SOCKET_ARGS_H_
#define CRVM_GUESTKERNEL_NET_SOCKET_ARGS_H_

#include "guestkernel/net/socket.h"

namespace gk {

// -EBADF, -ENOTSOCK.
Result<RefPtr<Socket>> GetSocket(int fd);
// -EINVAL (length), -EFAULT.
Result<SocketAddress> ReadSocketAddress(UserAddress at, uint32_t length);
// As accept(2) gives it: cut to *length_at, which gets the whole length.
int WriteSocketAddress(const SocketAddress& address, UserAddress at,
                       UserAddress length_at);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_NET_SOCKET_ARGS_H_
