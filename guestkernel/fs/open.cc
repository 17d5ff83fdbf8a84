// SPDX-License-Identifier: Apache-2.0
//
// open(2): from a path to an open file.
#include "guestkernel/fs/open.h"

#include "guestkernel/fs/dentry_cache.h"
#include "guestkernel/fs/fs_context.h"
#include "guestkernel/fs/permission.h"
#include "guestkernel/fs/special.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

constexpr uint32_t kTmpfileBit = kOpenTmpfile & ~kOpenDirectory;
// Not kept in the open file's flags (F_GETFL).
constexpr uint32_t kOpenOnlyFlags =
    kOpenCreate | kOpenExclusive | kOpenNoCtty | kOpenTruncate | kOpenCloexec;

// The CheckAccess bits that these flags need of the file.
int WantedAccess(uint32_t flags) {
  static constexpr int kWant[] = {4, 2, 6, 6};
  int want = kWant[flags & kOpenAccessMask];
  return (flags & kOpenTruncate) ? want | 2 : want;
}

int CheckMayOpen(Inode* inode, uint32_t flags) {
  if (inode->is_symlink()) return -ELOOP;
  int want = WantedAccess(flags);
  if (inode->is_directory() && (want & 2)) return -EISDIR;
  GK_RETURN_IF_ERROR(CheckAccess(inode, want));
  if (flags & kOpenNoAtime) {
    FileAttributes attributes;
    GK_RETURN_IF_ERROR(inode->GetAttributes(&attributes));
    if (!IsOwner(attributes)) return -EPERM;
  }
  return 0;
}

void Finish(File* file, RefPtr<Dentry> dentry, uint32_t flags) {
  // A device may hand out a file that has a name already (/dev/tty).
  if (!file->dentry()) file->set_dentry(std::move(dentry));
  file->set_flags((flags & ~kOpenOnlyFlags) | kOpenLargeFile);
}

Result<RefPtr<File>> OpenUnchecked(RefPtr<Dentry> dentry, uint32_t flags) {
  RefPtr<Inode> inode(dentry->inode());
  bool ordinary = inode->opens_itself() || inode->is_directory() ||
                  inode->type() == kModeRegular;
  uint32_t inode_flags = flags & ~(kOpenCreate | kOpenExclusive | kOpenCloexec);
  bool truncate = (flags & kOpenTruncate) && inode->type() == kModeRegular &&
                  !inode->open_truncates();
  if (truncate) inode_flags &= ~kOpenTruncate;
  RefPtr<File> file;
  GK_ASSIGN_OR_RETURN(file, ordinary ? inode->Open(inode_flags)
                                     : OpenSpecial(inode.get(), inode_flags));
  Finish(file.get(), std::move(dentry), flags);
  if (truncate) {
    AttributeChange change;
    change.set_size = true;
    GK_RETURN_IF_ERROR(inode->SetAttributes(change));
  }
  return file;
}

uint32_t Umask() {
  Process* process = CurrentProcess();
  return process->fs ? process->fs->umask : 022;
}

// `entry`: the negative dentry of the name to be created.
Result<RefPtr<File>> CreateFile(Dentry* directory, RefPtr<Dentry> entry,
                                const OpenHow& how) {
  GK_RETURN_IF_ERROR(MayCreateIn(directory));
  Inode* parent = directory->inode();
  uint32_t mode = (how.mode & 07777 & ~Umask()) | kModeRegular;
  RefPtr<Inode> inode;
  // A new file is empty: nothing to truncate.
  uint32_t flags = how.flags & ~kOpenTruncate;
  Result<RefPtr<File>> opened =
      parent->CreateAndOpen(entry->name(), mode, flags, &inode);
  int error = opened.error();
  if (error == -ENOSYS) {
    Result<RefPtr<Inode>> created = parent->Create(entry->name(), mode, 0);
    error = created.error();
    if (created.ok()) inode = created.take();
  }
  if (error == -EEXIST) DentryCache::Get().Forget(entry.get());
  GK_RETURN_IF_ERROR(error);
  DentryCache::Get().Instantiate(entry.get(), std::move(inode));
  if (!opened.ok()) return OpenUnchecked(std::move(entry), flags);
  Finish(opened->get(), std::move(entry), flags);
  return opened;
}

Result<RefPtr<File>> OpenUnnamed(int at_fd, StringView path,
                                 const OpenHow& how) {
  if (!(how.flags & kOpenDirectory) ||
      (how.flags & kOpenAccessMask) == kOpenReadOnly) {
    return Error(-EINVAL);
  }
  Walk walk;
  GK_RETURN_IF_ERROR(walk.Start(at_fd, path, how.resolve));
  RefPtr<Dentry> directory;
  GK_ASSIGN_OR_RETURN(directory, walk.Finish(kLookupFollow | kLookupDirectory));
  GK_RETURN_IF_ERROR(CheckAccess(directory->inode(), 3));
  uint32_t mode = (how.mode & 07777 & ~Umask()) | kModeRegular;
  RefPtr<Inode> inode;
  GK_ASSIGN_OR_RETURN(inode, directory->inode()->CreateUnnamed(mode));
  FileAttributes attributes;
  GK_RETURN_IF_ERROR(inode->GetAttributes(&attributes));
  char name[24];
  Format(name, sizeof(name), "#%lu", attributes.inode);
  RefPtr<Dentry> dentry =
      DentryCache::NewDetached(directory.get(), name, std::move(inode));
  if (!dentry) return Error(-ENOMEM);
  DentryCache::MarkUnlinked(dentry.get());
  return OpenUnchecked(std::move(dentry),
                       how.flags & ~(kTmpfileBit | kOpenDirectory));
}

Result<RefPtr<File>> OpenExisting(RefPtr<Dentry> dentry, uint32_t flags,
                                  bool trailing_slash) {
  if (!dentry->inode()) return Error(-ENOENT);
  if ((flags & kOpenCreate) && (flags & kOpenExclusive)) return Error(-EEXIST);
  if (((flags & kOpenDirectory) || trailing_slash) &&
      !dentry->inode()->is_directory()) {
    return Error(-ENOTDIR);
  }
  if (flags & kOpenPath) return OpenNameOnly(std::move(dentry), flags);
  if ((flags & kOpenCreate) && dentry->inode()->is_directory()) {
    return Error(-EISDIR);
  }
  return OpenDentry(std::move(dentry), flags);
}

// One attempt; -EEXIST without O_EXCL means that somebody else created the
// file meanwhile.
Result<RefPtr<File>> OpenOnce(int at_fd, StringView path, const OpenHow& how) {
  uint32_t flags = how.flags;
  Walk walk;
  GK_RETURN_IF_ERROR(walk.Start(at_fd, path, how.resolve));
  constexpr uint32_t kNotJustOpen =
      kOpenPath | kOpenDirectory | kOpenTruncate | kOpenExclusive;
  if (!(flags & kNotJustOpen)) {
    walk.set_open_flags(flags & ~(kOpenCreate | kOpenCloexec));
  }
  for (;;) {
    GK_RETURN_IF_ERROR(walk.ToParent());
    if (walk.last_is_special()) {
      GK_RETURN_IF_ERROR(walk.StepSpecial());
      return OpenExisting(walk.current_ref(), flags, walk.trailing_slash());
    }
    if ((flags & kOpenCreate) && walk.trailing_slash()) return Error(-EISDIR);
    RefPtr<Dentry> entry;
    GK_ASSIGN_OR_RETURN(entry, walk.LookupLast());
    if (entry->is_negative()) {
      if (!(flags & kOpenCreate)) return Error(-ENOENT);
      return CreateFile(walk.current(), std::move(entry), how);
    }
    bool exclusive = (flags & kOpenCreate) && (flags & kOpenExclusive);
    if (entry->inode()->is_symlink() && !exclusive &&
        (!(flags & kOpenNoFollow) || walk.trailing_slash())) {
      GK_RETURN_IF_ERROR(walk.FollowLast(entry.get()));
      continue;
    }
    return OpenExisting(std::move(entry), flags, walk.trailing_slash());
  }
}

}  // namespace

Result<RefPtr<File>> OpenDentry(RefPtr<Dentry> dentry, uint32_t flags) {
  if (!dentry->inode()) return Error(-ENOENT);
  GK_RETURN_IF_ERROR(CheckMayOpen(dentry->inode(), flags));
  return OpenUnchecked(std::move(dentry), flags);
}

Result<RefPtr<File>> OpenPathHow(int at_fd, StringView path, OpenHow how) {
  if (path.empty()) return Error(-ENOENT);
  if (how.flags & kOpenPath) {
    how.flags &= kOpenPath | kOpenDirectory | kOpenNoFollow | kOpenCloexec;
  } else if (how.flags & kTmpfileBit) {
    return OpenUnnamed(at_fd, path, how);
  } else if ((how.flags & kOpenCreate) && (how.flags & kOpenDirectory)) {
    return Error(-EINVAL);
  }
  for (int attempt = 0;; ++attempt) {
    Result<RefPtr<File>> file = OpenOnce(at_fd, path, how);
    bool outdated =
        (file.error() == -EEXIST && !(how.flags & kOpenExclusive)) ||
        file.error() == -ESTALE;
    if (file.ok() || !outdated || attempt == 3) return file;
    // What was cached of the name was wrong, and is not believed any more.
  }
}

Result<RefPtr<File>> OpenPath(int at_fd, StringView path, uint32_t flags,
                              uint32_t mode) {
  return OpenPathHow(at_fd, path, OpenHow{flags, mode, 0});
}

}  // namespace gk
