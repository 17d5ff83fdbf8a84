// SPDX-License-Identifier: Apache-2.0
//
// The host's file system calls as the fs server uses them: results are 0 or
// more, or a negative errno; EINTR is retried (the vCPU thread is kicked by
// signals); descriptors are close-on-exec. Any thread.

#ifndef CRVM_VMM_DEVICES_FS_HOST_FILE_H_
#define CRVM_VMM_DEVICES_FS_HOST_FILE_H_

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

namespace crvm {

// Everything that attributes and identities need, in one call.
inline constexpr unsigned kStatMask =
    STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;

// The result of `call`, a system call, or its negative errno.
template <typename F>
auto RetryEintr(F call) -> decltype(call()) {
  for (;;) {
    auto result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

inline int StatAt(int dir_fd, const char* name, struct statx* st) {
  return RetryEintr(
      [&] { return statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, kStatMask, st); });
}

inline int StatFd(int fd, struct statx* st) {
  return RetryEintr(
      [&] { return statx(fd, "", AT_EMPTY_PATH, kStatMask, st); });
}

inline int OpenAt(int dir_fd, const char* name, int flags, mode_t mode) {
  return RetryEintr(
      [&] { return openat(dir_fd, name, flags | O_CLOEXEC, mode); });
}

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_HOST_FILE_H_
