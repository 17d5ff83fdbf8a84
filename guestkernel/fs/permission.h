// SPDX-License-Identifier: Apache-2.0
//
// Who may do what with a file, by the current thread's credentials. Inside the
// VFS and its file systems; CheckAccess is in fs/path.h.
#ifndef CRVM_GUESTKERNEL_FS_PERMISSION_H_
#define CRVM_GUESTKERNEL_FS_PERMISSION_H_

#include "guestkernel/fs/inode.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/process/credentials.h"

namespace gk {

// linux/capability.h; those that process/ needs too are in its credentials.h.
inline constexpr int kCapDacOverride = 1, kCapDacReadSearch = 2, kCapFowner = 3,
                     kCapFsetid = 4, kCapSysChroot = 18, kCapMknod = 27;

inline constexpr uint32_t kModeSetUid = 04000, kModeSetGid = 02000,
                          kModeSticky = 01000;

// What remains of a mode when the file is written to or changes hands. The
// set-group-ID bit without group execution means something else and stays.
constexpr uint32_t WithoutPrivilegeBits(uint32_t mode) {
  return mode & ~(kModeSetUid | ((mode & 010) ? kModeSetGid : 0));
}

bool InFsGroup(const Credentials& who, uint32_t gid);
// Owner of the file, or CAP_FOWNER.
bool IsOwner(const FileAttributes& attributes);
// A new name in this directory: write and search; -ENOENT in a removed one.
int MayCreateIn(Dentry* directory);
// Taking `victim`'s name out of this directory: also the sticky bit.
int MayRemove(Dentry* directory, Inode* victim);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_PERMISSION_H_
