// SPDX-License-Identifier: Apache-2.0
//
// From a dentry back to its path.
#include "guestkernel/fs/fs_context.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/lib/vector.h"
#include "guestkernel/sched/process.h"

namespace gk {

Result<KString> PathOf(Dentry* dentry, bool mark_deleted) {
  Process* process = CurrentProcess();
  RefPtr<Dentry> root;
  if (process && process->fs) root = process->fs->root;
  Vector<Dentry*> names;  // from the last component up
  KString path;
  for (Dentry* at = dentry; at != root.get();) {
    if (Dentry* parent = at->parent().get()) {
      GK_RETURN_IF_ERROR(names.PushBack(at));
      at = parent;
    } else if (at->mount_point()) {
      at = at->mount_point();
    } else {
      // The root of the tree, or not in it: anonymous files are called by
      // their name alone.
      if (!(at->name() == "/")) GK_RETURN_IF_ERROR(path.Append(at->name()));
      break;
    }
  }
  for (size_t i = names.size(); i > 0; --i) {
    GK_RETURN_IF_ERROR(path.Append("/"));
    GK_RETURN_IF_ERROR(path.Append(names[i - 1]->name()));
  }
  if (path.empty()) GK_RETURN_IF_ERROR(path.Append("/"));
  if (mark_deleted && dentry->is_unlinked()) {
    GK_RETURN_IF_ERROR(path.Append(" (deleted)"));
  }
  return path;
}

}  // namespace gk
