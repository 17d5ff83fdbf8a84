// SPDX-License-Identifier: Apache-2.0
//
// Operations on names, see fs/name_ops.h.
#include "guestkernel/fs/name_ops.h"

#include "guestkernel/fs/dentry_cache.h"
#include "guestkernel/fs/fs_context.h"
#include "guestkernel/fs/permission.h"
#include "guestkernel/fs/walk.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

// Walks to the place for a new name; afterwards *entry is its negative dentry.
// The order of errors is Linux's.
int FindNewName(Walk& walk, int at_fd, StringView path, bool is_directory,
                RefPtr<Dentry>* entry) {
  if (path.empty()) return -ENOENT;
  GK_RETURN_IF_ERROR(walk.Start(at_fd, path));
  GK_RETURN_IF_ERROR(walk.ToParent());
  if (walk.last_is_special()) return -EEXIST;
  GK_ASSIGN_OR_RETURN(*entry, walk.LookupLast());
  if (!(*entry)->is_negative()) return -EEXIST;
  return walk.trailing_slash() && !is_directory ? -ENOENT : 0;
}

int StartCreate(Walk& walk, int at_fd, StringView path, bool is_directory,
                RefPtr<Dentry>* entry) {
  GK_RETURN_IF_ERROR(FindNewName(walk, at_fd, path, is_directory, entry));
  return MayCreateIn(walk.current());
}

int FinishCreate(Dentry* entry, Result<RefPtr<Inode>> created) {
  if (!created.ok()) {
    // Somebody on the host was faster: forget that it is absent.
    if (created.error() == -EEXIST) DentryCache::Get().Forget(entry);
    return created.error();
  }
  DentryCache::Get().Instantiate(entry, created.take());
  return 0;
}

uint32_t WithoutUmask(uint32_t mode) {
  Process* process = CurrentProcess();
  return mode & ~(process->fs ? process->fs->umask : 022);
}

// Walks to an existing name that is to be removed or renamed.
int StartRemove(Walk& walk, int at_fd, StringView path, RefPtr<Dentry>* entry) {
  GK_RETURN_IF_ERROR(walk.Start(at_fd, path));
  GK_RETURN_IF_ERROR(walk.ToParent());
  if (walk.last_is_special()) return 0;
  GK_ASSIGN_OR_RETURN(*entry, walk.LookupLast());
  return 0;
}

}  // namespace

int MakeDirectoryAt(int at_fd, StringView path, uint32_t mode) {
  Walk walk;
  RefPtr<Dentry> entry;
  GK_RETURN_IF_ERROR(
      StartCreate(walk, at_fd, path, /*is_directory=*/true, &entry));
  return FinishCreate(
      entry.get(),
      walk.current()->inode()->MakeDirectory(
          entry->name(), WithoutUmask(mode & 01777) | kModeDirectory));
}

int MakeSymlinkAt(StringView target, int at_fd, StringView path) {
  if (target.empty()) return -ENOENT;
  Walk walk;
  RefPtr<Dentry> entry;
  GK_RETURN_IF_ERROR(
      StartCreate(walk, at_fd, path, /*is_directory=*/false, &entry));
  return FinishCreate(
      entry.get(), walk.current()->inode()->MakeSymlink(entry->name(), target));
}

Result<RefPtr<Dentry>> MakeNode(int at_fd, StringView path,
                                uint32_t type_and_mode, uint64_t rdev) {
  Walk walk;
  RefPtr<Dentry> entry;
  GK_RETURN_IF_ERROR(
      StartCreate(walk, at_fd, path, /*is_directory=*/false, &entry));
  uint32_t type = type_and_mode & kModeTypeMask;
  if ((type == kModeChar || type == kModeBlock) && !HasCapability(kCapMknod)) {
    return Error(-EPERM);
  }
  uint32_t mode = WithoutUmask(type_and_mode & 07777) | type;
  GK_RETURN_IF_ERROR(FinishCreate(
      entry.get(), walk.current()->inode()->Create(entry->name(), mode, rdev)));
  return entry;
}

int LinkAt(Dentry* source, int at_fd, StringView path) {
  RefPtr<Inode> inode(source->inode());
  Walk walk;
  RefPtr<Dentry> entry;
  GK_RETURN_IF_ERROR(
      FindNewName(walk, at_fd, path, /*is_directory=*/false, &entry));
  Inode* directory = walk.current()->inode();
  if (directory->fs() != inode->fs()) return -EXDEV;
  GK_RETURN_IF_ERROR(MayLink(inode.get()));
  GK_RETURN_IF_ERROR(MayCreateIn(walk.current()));
  if (inode->is_directory()) return -EPERM;
  GK_RETURN_IF_ERROR(directory->Link(entry->name(), inode.get()));
  DentryCache::Get().Instantiate(entry.get(), std::move(inode));
  return 0;
}

int UnlinkAt(int at_fd, StringView path) {
  if (path.empty()) return -ENOENT;
  Walk walk;
  RefPtr<Dentry> entry;
  GK_RETURN_IF_ERROR(StartRemove(walk, at_fd, path, &entry));
  if (!entry) return -EISDIR;
  if (entry->is_negative()) return -ENOENT;
  Inode* victim = entry->inode();
  if (walk.trailing_slash()) {
    return victim->is_directory() ? -EISDIR : -ENOTDIR;
  }
  GK_RETURN_IF_ERROR(MayRemove(walk.current(), victim));
  if (victim->is_directory()) return -EISDIR;
  GK_RETURN_IF_ERROR(walk.current()->inode()->Unlink(entry->name(), victim));
  DentryCache::Get().Unlink(entry.get());
  return 0;
}

int RemoveDirectoryAt(int at_fd, StringView path) {
  if (path.empty()) return -ENOENT;
  Walk walk;
  RefPtr<Dentry> entry;
  GK_RETURN_IF_ERROR(StartRemove(walk, at_fd, path, &entry));
  if (!entry) {
    if (walk.last() == ".") return -EINVAL;
    return walk.last() == ".." ? -ENOTEMPTY : -EBUSY;
  }
  if (entry->is_negative()) return -ENOENT;
  Inode* victim = entry->inode();
  // The root of a mounted file system has no parent in it.
  if (!entry->parent()) return -EBUSY;
  GK_RETURN_IF_ERROR(MayRemove(walk.current(), victim));
  if (!victim->is_directory()) return -ENOTDIR;
  GK_RETURN_IF_ERROR(
      walk.current()->inode()->RemoveDirectory(entry->name(), victim));
  DentryCache::Get().Unlink(entry.get());
  return 0;
}

}  // namespace gk
