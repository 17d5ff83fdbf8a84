// SPDX-License-Identifier: Apache-2.0
//
// Copying a process's directories and umask (fork without CLONE_FS).
#include "guestkernel/fs/fs_context.h"

namespace gk {

RefPtr<FsContext> FsContext::Clone() const {
  auto copy = MakeRef<FsContext>();
  if (!copy) return nullptr;
  copy->cwd = cwd;
  copy->root = root;
  copy->umask = umask;
  return copy;
}

}  // namespace gk
