// SPDX-License-Identifier: Apache-2.0
//
// rename(2), renameat2(2).
#include "guestkernel/fs/dentry_cache.h"
#include "guestkernel/fs/name_ops.h"
#include "guestkernel/fs/permission.h"
#include "guestkernel/fs/walk.h"

namespace gk {

namespace {

bool IsAncestor(const Dentry* ancestor, Dentry* of) {
  for (Dentry* at = of; at; at = at->parent().get()) {
    if (at == ancestor) return true;
  }
  return false;
}

struct Renaming {
  Walk from, to;
  RefPtr<Dentry> source, target;
};

int CheckTypes(const Renaming& r, uint32_t flags) {
  Inode* source = r.source->inode();
  Inode* target = r.target->inode();
  bool exchange = flags & kRenameExchange;
  if (!source->is_directory()) {
    if (r.from.trailing_slash()) return -ENOTDIR;
    if (!exchange && r.to.trailing_slash()) return -ENOTDIR;
  }
  if (exchange && !target->is_directory() && r.to.trailing_slash()) {
    return -ENOTDIR;
  }
  if (IsAncestor(r.source.get(), r.to.current())) return -EINVAL;
  if (IsAncestor(r.target.get(), r.from.current())) {
    return exchange ? -EINVAL : -ENOTEMPTY;
  }
  return 0;
}

int CheckPermissions(const Renaming& r, uint32_t flags) {
  Inode* source = r.source->inode();
  Inode* target = r.target->inode();
  GK_RETURN_IF_ERROR(MayRemove(r.from.current(), source));
  if (!target) {
    GK_RETURN_IF_ERROR(MayCreateIn(r.to.current()));
  } else {
    GK_RETURN_IF_ERROR(MayRemove(r.to.current(), target));
    if (!(flags & kRenameExchange)) {
      if (source->is_directory() && !target->is_directory()) return -ENOTDIR;
      if (!source->is_directory() && target->is_directory()) return -EISDIR;
    }
  }
  // A directory's ".." changes.
  if (source->is_directory() && r.from.current() != r.to.current()) {
    GK_RETURN_IF_ERROR(CheckAccess(source, 2));
  }
  return 0;
}

}  // namespace

int RenameAt(int old_fd, StringView old_path, int new_fd, StringView new_path,
             uint32_t flags) {
  if (flags & ~(kRenameNoReplace | kRenameExchange | kRenameWhiteout)) {
    return -EINVAL;
  }
  if ((flags & kRenameExchange) && flags != kRenameExchange) return -EINVAL;
  if (flags & kRenameWhiteout) return -EINVAL;  // no file system here has them
  if (old_path.empty()) return -ENOENT;
  Renaming r;
  GK_RETURN_IF_ERROR(r.from.Start(old_fd, old_path));
  GK_RETURN_IF_ERROR(r.from.ToParent());
  if (new_path.empty()) return -ENOENT;
  GK_RETURN_IF_ERROR(r.to.Start(new_fd, new_path));
  GK_RETURN_IF_ERROR(r.to.ToParent());
  Inode* from = r.from.current()->inode();
  Inode* to = r.to.current()->inode();
  if (from->fs() != to->fs()) return -EXDEV;
  if (r.from.last_is_special()) return -EBUSY;
  if (r.to.last_is_special()) {
    return (flags & kRenameNoReplace) ? -EEXIST : -EBUSY;
  }
  GK_ASSIGN_OR_RETURN(r.source, r.from.LookupLast());
  if (r.source->is_negative()) return -ENOENT;
  GK_ASSIGN_OR_RETURN(r.target, r.to.LookupLast());
  bool exists = !r.target->is_negative();
  if ((flags & kRenameNoReplace) && exists) return -EEXIST;
  if ((flags & kRenameExchange) && !exists) return -ENOENT;
  // Roots of mounted file systems.
  if (!r.source->parent() || !r.target->parent()) return -EBUSY;
  GK_RETURN_IF_ERROR(CheckTypes(r, flags));
  // Two names of the same file: nothing happens.
  if (r.source->inode() == r.target->inode()) return 0;
  GK_RETURN_IF_ERROR(CheckPermissions(r, flags));

  GK_RETURN_IF_ERROR(
      from->Rename(r.source->name(), to, r.target->name(), flags));
  r.source->inode()->NamesChanged();
  if (exists) r.target->inode()->NamesChanged();
  DentryCache& cache = DentryCache::Get();
  if (flags & kRenameExchange) {
    cache.Exchange(r.source.get(), r.target.get());
    return 0;
  }
  RefPtr<Dentry> directory = r.to.current_ref();
  if (exists) {
    cache.Unlink(r.target.get());
  } else {
    cache.Forget(r.target.get());
  }
  // Without memory for the new name the old entry just goes.
  if (cache.Move(r.source.get(), directory.get(), r.target->name()) < 0) {
    cache.Forget(r.source.get());
  }
  return 0;
}

}  // namespace gk
