// SPDX-License-Identifier: Apache-2.0
//
// memfd_create(2): files without a name on a tmpfs of their own.
#include "guestkernel/fs/dentry_cache.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/fs/tmpfs.h"

namespace gk {

Result<RefPtr<File>> NewMemfd(StringView name, uint32_t mode, uint32_t seals) {
  // Unnamed files' own file system, without a place in the tree.
  static Tmpfs* fs = nullptr;
  if (!fs) {
    GK_ASSIGN_OR_RETURN(fs, Tmpfs::Create(01777, 0, "tmpfs"));
  }
  RefPtr<Inode> inode;
  GK_ASSIGN_OR_RETURN(inode,
                      fs->root_directory()->CreateUnnamed(mode | kModeRegular));
  auto* regular = static_cast<TmpfsRegular*>(inode.get());
  regular->linkable = false;
  regular->seals = seals;
  KString shown;
  GK_RETURN_IF_ERROR(shown.Append("/memfd:"));
  GK_RETURN_IF_ERROR(shown.Append(name));
  RefPtr<Dentry> dentry = DentryCache::NewDetached(nullptr, shown, inode);
  if (!dentry) return Error(-ENOMEM);
  DentryCache::MarkUnlinked(dentry.get());
  RefPtr<File> file;
  GK_ASSIGN_OR_RETURN(file, inode->Open(kOpenReadWrite | kOpenLargeFile));
  file->set_dentry(std::move(dentry));
  return file;
}

int64_t SysMemfdCreate(const SyscallArgs& args) {
  enum { kCloexec = 1, kAllowSealing = 2, kNoExecSeal = 8, kExec = 16 };
  constexpr size_t kNameMax = 249;
  uint32_t flags = args.U32(1);
  // No huge pages (MFD_HUGETLB).
  if (flags & ~(kCloexec | kAllowSealing | kNoExecSeal | kExec)) {
    return -EINVAL;
  }
  if ((flags & kNoExecSeal) && (flags & kExec)) return -EINVAL;
  Result<KString> name = CopyStringFromUser(args.User(0), kNameMax + 1);
  if (!name.ok()) {
    return name.error() == -ENAMETOOLONG ? -EINVAL : name.error();
  }
  uint32_t mode = 0777, seals = kSealSeal;
  if (flags & kAllowSealing) seals = 0;
  if (flags & kNoExecSeal) {
    mode = 0666;
    seals = kSealExec;
  }
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, NewMemfd(*name, mode, seals));
  return ToReturn(InstallFile(std::move(file),
                              (flags & kCloexec) ? uint32_t{kOpenCloexec} : 0));
}

}  // namespace gk
