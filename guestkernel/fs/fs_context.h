// SPDX-License-Identifier: Apache-2.0
//
// Working directory, root and umask of a process (CLONE_FS shares it). Owner:
// vfs.
#ifndef CRVM_GUESTKERNEL_FS_FS_CONTEXT_H_
#define CRVM_GUESTKERNEL_FS_FS_CONTEXT_H_

#include "guestkernel/fs/inode.h"
#include "guestkernel/lib/ref_ptr.h"

namespace gk {

class FsContext : public RefCounted {
 public:
  RefPtr<Dentry> cwd;
  RefPtr<Dentry> root;
  uint32_t umask = 022;
  RefPtr<FsContext> Clone() const;  // null: out of memory
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FS_CONTEXT_H_
