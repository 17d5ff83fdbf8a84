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

// What remains of a file's mode when it is written to or changes hands: not
// set-user-ID, and not set-group-ID, unless there is no group execution (then
// the bit means something else) and the caller is in the group.
uint32_t WithoutPrivilegeBits(const FileAttributes& attributes);

bool InFsGroup(const Credentials& who, uint32_t gid);
// Owner of the file, or CAP_FOWNER.
bool IsOwner(const FileAttributes& attributes);
// A new hard link to this file, see proc(5), protected_hardlinks.
int MayLink(Inode* inode);
// A new name in this directory: write and search; -ENOENT in a removed one.
int MayCreateIn(Dentry* directory);
// Taking `victim`'s name out of this directory: also the sticky bit.
int MayRemove(Dentry* directory, Inode* victim);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_PERMISSION_H_
