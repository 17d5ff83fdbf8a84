// SPDX-License-Identifier: Apache-2.0
//
// What the file system calls have in common: resolving (dirfd, path, AT_*)
// arguments, checks before attributes change, limits. Inside fs/ only.
#ifndef CRVM_GUESTKERNEL_FS_SYS_UTIL_H_
#define CRVM_GUESTKERNEL_FS_SYS_UTIL_H_

#include <cstdint>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/fs/path.h"

namespace gk {

// AT_* (linux/fcntl.h).
enum AtFlags : uint32_t {
  kAtSymlinkNoFollow = 0x100,
  kAtRemoveDir = 0x200,
  kAtEaccess = 0x200,
  kAtSymlinkFollow = 0x400,
  kAtNoAutomount = 0x800,
  kAtEmptyPath = 0x1000,
  kAtStatxSyncType = 0x6000,
};

// What (dirfd, path) names: a dentry; or, with AT_EMPTY_PATH, a descriptor's
// open file, which may have none.
struct Target {
  RefPtr<Dentry> dentry;
  RefPtr<File> file;
  Inode* inode() const { return dentry ? dentry->inode() : nullptr; }
  int GetAttributes(FileAttributes* out) const;
  // The caller has called CheckAttributeChange.
  int SetAttributes(const AttributeChange& change) const;
};
// `at_flags`: kAtSymlinkNoFollow and kAtEmptyPath count.
Result<Target> ResolveTarget(int at_fd, UserAddress path, uint32_t at_flags);
Result<Target> ResolveFd(int fd);  // O_PATH descriptors too

// May the caller change these attributes of a file that has `now`? Adds what
// changes along with them (set-user-ID bits at a chown).
int CheckAttributeChange(const FileAttributes& now, AttributeChange* change);

// RLIMIT_FSIZE: how much of `length` bytes at `offset` may be written; at the
// limit -EFBIG, and SIGXFSZ is sent.
int64_t LimitWrite(uint64_t offset, uint64_t length);

inline int64_t ToReturn(const Result<int>& result) {
  return result.ok() ? *const_cast<Result<int>&>(result) : result.error();
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_SYS_UTIL_H_
