// SPDX-License-Identifier: Apache-2.0
//
// What inodes do unless their file system overrides it.
#include "guestkernel/fs/inode.h"

#include "guestkernel/fs/locks.h"

namespace gk {

Inode::~Inode() { delete locks; }

Result<RefPtr<Dentry>> Inode::FollowMagicLink() { return Error(-EINVAL); }

}  // namespace gk
