// SPDX-License-Identifier: Apache-2.0
//
// Permission by mode bits, groups and capabilities (path_resolution(7),
// capabilities(7)).
#include "guestkernel/fs/permission.h"

#include "guestkernel/arch/arch.h"
#include "guestkernel/fs/mount.h"
#include "guestkernel/sched/process.h"

namespace gk {

bool InFsGroup(const Credentials& who, uint32_t gid) {
  if (who.fsgid == gid) return true;
  for (uint32_t i = 0; i < who.group_count; ++i) {
    if (who.groups[i] == gid) return true;
  }
  return false;
}

int CheckAccess(Inode* inode, int want) {
  if (IsBooting() || want == 0) return 0;
  bool directory = inode->is_directory();
  // Those who may do anything need not ask the file system.
  bool override = HasCapability(kCapDacOverride);
  if (override && (directory || !(want & 1))) return 0;
  FileAttributes attributes;
  GK_RETURN_IF_ERROR(inode->GetCachedAttributes(&attributes));
  if (override) return (attributes.mode & 0111) ? 0 : -EACCES;

  const Credentials& who = CurrentThread()->credentials;
  uint32_t bits = attributes.mode & 7;
  if (who.fsuid == attributes.uid) {
    bits = attributes.mode >> 6 & 7;
  } else if (InFsGroup(who, attributes.gid)) {
    bits = attributes.mode >> 3 & 7;
  }
  if ((static_cast<uint32_t>(want) & ~bits) == 0) return 0;
  if (HasCapability(kCapDacReadSearch) &&
      (want == 4 || (directory && !(want & 2)))) {
    return 0;
  }
  if (inode->fs()->is_remote && who.fsuid == GetBootInfo().euid) {
    return inode->AskAccess(want);
  }
  return -EACCES;
}

bool IsOwner(const FileAttributes& attributes) {
  return CurrentThread()->credentials.fsuid == attributes.uid ||
         HasCapability(kCapFowner);
}

uint32_t WithoutPrivilegeBits(const FileAttributes& attributes) {
  uint32_t mode = attributes.mode & ~kModeSetUid;
  bool may_keep = InFsGroup(CurrentThread()->credentials, attributes.gid) ||
                  HasCapability(kCapFsetid);
  return (mode & 010) || !may_keep ? mode & ~kModeSetGid : mode;
}

int MayLink(Inode* inode) {
  FileAttributes attributes;
  GK_RETURN_IF_ERROR(inode->GetAttributes(&attributes));
  if (IsOwner(attributes)) return 0;
  constexpr uint32_t kGroupRuns = kModeSetGid | 010;
  bool safe = inode->type() == kModeRegular &&
              !(attributes.mode & kModeSetUid) &&
              (attributes.mode & kGroupRuns) != kGroupRuns &&
              CheckAccess(inode, 6) == 0;
  return safe ? 0 : -EPERM;
}

int MayCreateIn(Dentry* directory) {
  if (directory->is_unlinked()) return -ENOENT;
  return CheckAccess(directory->inode(), 3);
}

int MayRemove(Dentry* directory, Inode* victim) {
  GK_RETURN_IF_ERROR(CheckAccess(directory->inode(), 3));
  if (IsBooting() || HasCapability(kCapFowner)) return 0;
  FileAttributes parent;
  GK_RETURN_IF_ERROR(directory->inode()->GetCachedAttributes(&parent));
  if (!(parent.mode & kModeSticky)) return 0;
  uint32_t uid = CurrentThread()->credentials.fsuid;
  if (parent.uid == uid) return 0;
  FileAttributes attributes;
  GK_RETURN_IF_ERROR(victim->GetCachedAttributes(&attributes));
  return attributes.uid == uid ? 0 : -EPERM;
}

}  // namespace gk
