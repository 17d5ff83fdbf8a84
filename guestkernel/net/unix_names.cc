// SPDX-License-Identifier: Apache-2.0
//
// Names of unix sockets: nodes in the file tree, and the abstract table.
#include <asm/errno.h>

#include "guestkernel/arch/arch.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/net/unix_socket.h"

namespace gk {
namespace {

constexpr size_t kPathOffset = 2;  // sun_path in struct sockaddr_un

IntrusiveList<UnixHandle, &UnixHandle::abstract_link>& AbstractNames() {
  alignas(8) static char
      storage[sizeof(IntrusiveList<UnixHandle, &UnixHandle::abstract_link>)];
  static bool constructed = false;
  auto* list =
      reinterpret_cast<IntrusiveList<UnixHandle, &UnixHandle::abstract_link>*>(
          storage);
  if (!constructed) {
    new (list) IntrusiveList<UnixHandle, &UnixHandle::abstract_link>();
    constructed = true;
  }
  return *list;
}

bool SameAddress(const SocketAddress& a, const SocketAddress& b) {
  return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

bool IsAbstract(const SocketAddress& address) {
  return address.length > kPathOffset && address.bytes[kPathOffset] == 0;
}

// The path, which need not be terminated.
StringView PathIn(const SocketAddress& address) {
  auto* path = reinterpret_cast<const char*>(address.bytes + kPathOffset);
  size_t n = 0;
  while (kPathOffset + n < address.length && path[n]) ++n;
  return StringView(path, n);
}

UnixHandle* FindAbstract(const SocketAddress& address) {
  for (UnixHandle& handle : AbstractNames()) {
    if (SameAddress(handle.address, address)) return &handle;
  }
  return nullptr;
}

}  // namespace

bool AbstractNameIsTaken(const SocketAddress& address) {
  return FindAbstract(address) != nullptr;
}

void AddAbstractName(UnixHandle* handle) { AbstractNames().PushBack(handle); }

Result<RefPtr<UnixHandle>> FindUnixSocket(const SocketAddress& address) {
  if (address.family() != kAfUnix || address.length <= kPathOffset) {
    return Error(-EINVAL);
  }
  if (IsAbstract(address)) {
    UnixHandle* handle = FindAbstract(address);
    if (!handle) return Error(-ECONNREFUSED);
    return RefPtr<UnixHandle>(handle);
  }
  GK_ASSIGN_OR_RETURN(RefPtr<Dentry> dentry,
                      LookupPath(kAtFdCwd, PathIn(address), kLookupFollow));
  Inode* inode = dentry->inode();
  if (inode->type() != kModeSocket) return Error(-ECONNREFUSED);
  GK_RETURN_IF_ERROR(CheckAccess(inode, 2));
  auto handle = StaticCast<UnixHandle>(inode->attached);
  if (!handle || !handle->socket) return Error(-ECONNREFUSED);
  return handle;
}

int UnixSocket::BindPath(StringView path, const SocketAddress& address) {
  GK_ASSIGN_OR_RETURN(RefPtr<Dentry> node,
                      MakeNode(kAtFdCwd, path, kModeSocket | 0777, 0));
  bound_inode_ = RefPtr<Inode>(node->inode());
  bound_inode_->attached = handle_;
  // As Linux shows it: one terminator, whatever length the caller gave.
  SocketAddress& own = handle_->address;
  own = SocketAddress{};
  memcpy(own.bytes, address.bytes, kPathOffset + path.size());
  own.length = static_cast<uint32_t>(kPathOffset + path.size() + 1);
  return 0;
}

int UnixSocket::BindAbstract(const SocketAddress& address) {
  if (AbstractNameIsTaken(address)) return -EADDRINUSE;
  handle_->address = address;
  AddAbstractName(handle_.get());
  return 0;
}

// Five hexadecimal digits, unix(7) "Autobind feature".
int UnixSocket::AutoBind() {
  SocketAddress address;
  address.bytes[0] = kAfUnix;
  address.length = kPathOffset + 6;
  for (int tries = 0; tries < 100; ++tries) {
    uint32_t number;
    RandomBytes(&number, sizeof(number));
    char digits[6];
    Format(digits, sizeof(digits), "%05x", number & 0xfffff);
    memcpy(address.bytes + kPathOffset + 1, digits, 5);
    if (!AbstractNameIsTaken(address)) return BindAbstract(address);
  }
  return -ENOSPC;
}

int UnixSocket::Bind(const SocketAddress& address) {
  if (address.family() != kAfUnix) return -EINVAL;
  if (handle_->address.length != 0) return -EINVAL;
  if (address.length == kPathOffset) return AutoBind();
  if (address.length > kPathOffset + 108) return -EINVAL;
  if (IsAbstract(address)) return BindAbstract(address);
  int error = BindPath(PathIn(address), address);
  return error == -EEXIST ? -EADDRINUSE : error;
}

}  // namespace gk
