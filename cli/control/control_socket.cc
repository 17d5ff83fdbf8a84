// SPDX-License-Identifier: Apache-2.0

#include "cli/control/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr int kBacklog = 16;

// The socket's address by way of an open directory, which must stay open.
absl::StatusOr<sockaddr_un> Address(const std::string& directory,
                                    UniqueFd& directory_fd) {
  directory_fd.reset(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory_fd.valid()) {
    return ErrnoStatus(errno, absl::StrCat("open ", directory));
  }
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof(address.sun_path),
           "/proc/self/fd/%d/control", directory_fd.get());
  return address;
}

absl::StatusOr<UniqueFd> NewSocket(int flags) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "make a unix socket");
  return fd;
}

}  // namespace

absl::StatusOr<UniqueFd> ListenControl(const std::string& directory) {
  UniqueFd directory_fd;
  CRVM_ASSIGN_OR_RETURN(const sockaddr_un address,
                        Address(directory, directory_fd));
  CRVM_ASSIGN_OR_RETURN(UniqueFd fd, NewSocket(SOCK_NONBLOCK));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
           sizeof(address)) < 0 ||
      listen(fd.get(), kBacklog) < 0) {
    return ErrnoStatus(errno,
                       absl::StrCat("listen on ", directory, "/control"));
  }
  return fd;
}

absl::StatusOr<UniqueFd> ConnectControl(const std::string& directory) {
  UniqueFd directory_fd;
  CRVM_ASSIGN_OR_RETURN(const sockaddr_un address,
                        Address(directory, directory_fd));
  CRVM_ASSIGN_OR_RETURN(UniqueFd fd, NewSocket(0));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) < 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) {
      return absl::UnavailableError("the VM is just starting or ending");
    }
    return ErrnoStatus(errno, absl::StrCat("connect to ", directory));
  }
  return fd;
}

absl::Status CheckPeer(int fd) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
    return ErrnoStatus(errno, "ask who is at the control socket");
  }
  if (peer.uid == geteuid() || peer.uid == 0) return absl::OkStatus();
  return absl::PermissionDeniedError("the VM belongs to another user");
}

}  // namespace crvm
