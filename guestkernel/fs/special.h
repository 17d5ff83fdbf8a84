// SPDX-License-Identifier: Apache-2.0
//
// Opening what is not a regular file or directory: fifos, sockets, devices, of
// whichever file system. Inside the VFS.
#ifndef CRVM_GUESTKERNEL_FS_SPECIAL_H_
#define CRVM_GUESTKERNEL_FS_SPECIAL_H_

#include "guestkernel/fs/inode.h"
#include "guestkernel/fs/path.h"

namespace gk {

Result<RefPtr<File>> OpenSpecial(Inode* inode, uint32_t flags);
Result<RefPtr<File>> OpenCharDevice(uint64_t rdev, uint32_t flags);
// O_PATH: a file that only names its dentry.
Result<RefPtr<File>> OpenNameOnly(RefPtr<Dentry> dentry, uint32_t flags);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_SPECIAL_H_
