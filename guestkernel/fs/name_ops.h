// SPDX-License-Identifier: Apache-2.0
//
// Operations on names: what mkdir, unlink, rename, link and symlink do once
// their arguments have been copied. Inside the VFS and its system calls.
#ifndef CRVM_GUESTKERNEL_FS_NAME_OPS_H_
#define CRVM_GUESTKERNEL_FS_NAME_OPS_H_

#include "guestkernel/fs/path.h"

namespace gk {

// renameat2(2).
inline constexpr uint32_t kRenameNoReplace = 1, kRenameExchange = 2,
                          kRenameWhiteout = 4;

int MakeDirectoryAt(int at_fd, StringView path, uint32_t mode);
int MakeSymlinkAt(StringView target, int at_fd, StringView path);
int UnlinkAt(int at_fd, StringView path);
int RemoveDirectoryAt(int at_fd, StringView path);
// `source` is what linkat(2)'s old path names.
int LinkAt(Dentry* source, int at_fd, StringView path);
int RenameAt(int old_fd, StringView old_path, int new_fd, StringView new_path,
             uint32_t flags);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_NAME_OPS_H_
