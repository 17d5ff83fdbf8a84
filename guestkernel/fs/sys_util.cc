// SPDX-License-Identifier: Apache-2.0
//
// What the file system calls have in common.
#include "guestkernel/fs/sys_util.h"

#include "guestkernel/fs/permission.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {
constexpr int kLimitFsize = 1;  // RLIMIT_FSIZE
constexpr int kSigXfsz = 25;
}  // namespace

int Target::GetAttributes(FileAttributes* out) const {
  if (file) return file->GetAttributes(out);
  return inode() ? inode()->GetAttributes(out) : -ENOENT;
}

int Target::SetAttributes(const AttributeChange& change) const {
  // O_PATH files do nothing themselves.
  if (file && !(file->flags() & kOpenPath)) return file->SetAttributes(change);
  return inode() ? inode()->SetAttributes(change) : -EBADF;
}

Result<Target> ResolveFd(int fd) {
  Target target;
  GK_ASSIGN_OR_RETURN(target.file, GetFileOrPath(fd));
  target.dentry = RefPtr<Dentry>(target.file->dentry());
  return target;
}

Result<Target> ResolveTarget(int at_fd, UserAddress path, uint32_t at_flags) {
  if ((at_flags & kAtEmptyPath) && at_fd != kAtFdCwd) {
    // A null path means the same (Linux 6.11).
    if (path.is_null()) return ResolveFd(at_fd);
    GK_ASSIGN_OR_RETURN(char first, ReadUser<char>(path));
    if (first == 0) return ResolveFd(at_fd);
  }
  Target target;
  GK_ASSIGN_OR_RETURN(KString text, CopyPathFromUser(path));
  uint32_t flags =
      (at_flags & kAtSymlinkNoFollow) ? 0u : uint32_t{kLookupFollow};
  if (at_flags & kAtEmptyPath) flags |= kLookupEmpty;
  GK_ASSIGN_OR_RETURN(target.dentry, LookupPath(at_fd, text, flags));
  return target;
}

int CheckAttributeChange(const FileAttributes& now, AttributeChange* change) {
  const Credentials& who = CurrentThread()->credentials;
  bool chown_any = HasCapability(kCapChown);
  if (change->set_uid && !chown_any &&
      !(who.fsuid == now.uid && change->uid == now.uid)) {
    return -EPERM;
  }
  if (change->set_gid && !chown_any &&
      !(who.fsuid == now.uid &&
        (InFsGroup(who, change->gid) || change->gid == now.gid))) {
    return -EPERM;
  }
  if (change->set_mode) {
    if (!IsOwner(now)) return -EPERM;
    if ((change->mode & kModeSetGid) && !InFsGroup(who, now.gid) &&
        !HasCapability(kCapFsetid)) {
      change->mode &= ~kModeSetGid;
    }
  }
  bool changes_owner = change->set_uid || change->set_gid;
  if (changes_owner && (now.mode & kModeTypeMask) != kModeDirectory &&
      WithoutPrivilegeBits(now) != now.mode) {
    change->set_mode = true;
    change->mode = WithoutPrivilegeBits(now) & 07777;
  }
  return 0;
}

int64_t LimitWrite(uint64_t offset, uint64_t length) {
  uint64_t limit = Limit(kLimitFsize);
  if (limit == ~uint64_t{0} || length == 0) return length;
  if (offset >= limit) {
    SendSignalToThread(CurrentThread(), kSigXfsz, nullptr);
    return -EFBIG;
  }
  return length < limit - offset ? length : limit - offset;
}

}  // namespace gk
