// SPDX-License-Identifier: Apache-2.0
//
// Boot: the root and the guest's own file systems on top of it.
#include "guestkernel/arch/arch.h"
#include "guestkernel/fs/file_systems.h"
#include "guestkernel/fs/mount.h"
#include "guestkernel/fs/tmpfs.h"

namespace gk {

namespace {

// /run with what logging in would have made there.
int MountRun() {
  GK_ASSIGN_OR_RETURN(Tmpfs * fs, Tmpfs::Create(0755, 0, "tmpfs"));
  TmpfsDirectory* run = fs->root_directory();
  GK_RETURN_IF_ERROR(run->MakeDirectory("lock", 01777));
  GK_ASSIGN_OR_RETURN(RefPtr<Inode> user, run->MakeDirectory("user", 0755));
  const crvm::abi::BootInfo& boot = GetBootInfo();
  char name[12];
  Format(name, sizeof(name), "%u", boot.uid);
  GK_ASSIGN_OR_RETURN(RefPtr<Inode> own, user->MakeDirectory(name, 0700));
  AttributeChange owner;
  owner.set_uid = owner.set_gid = true;
  owner.uid = boot.uid;
  owner.gid = boot.gid;
  GK_RETURN_IF_ERROR(own->SetAttributes(owner));
  return Mount(fs, "/run", "tmpfs");
}

int MountNew(Result<FileSystem*> fs, StringView where, const char* source) {
  if (!fs.ok()) return fs.error();
  return Mount(*fs, where, source);
}

}  // namespace

int MountAll() {
  SetBooting(true);
  Result<FileSystem*> root = FuseRootInit();
  if (!root.ok()) {
    Log(LogLevel::kWarning, "no host file system (error %d): empty root",
        root.error());
    root = NewTmpfs(0755, 0);
  }
  if (!root.ok()) return root.error();
  GK_RETURN_IF_ERROR(MountRoot(*root, "host"));
  GK_RETURN_IF_ERROR(MountNew(NewProcFs(), "/proc", "proc"));
  GK_RETURN_IF_ERROR(MountNew(NewSysFs(), "/sys", "sysfs"));
  GK_RETURN_IF_ERROR(MountNew(NewDevFs(), "/dev", "udev"));
  GK_RETURN_IF_ERROR(MountNew(NewDevPts(), "/dev/pts", "devpts"));
  GK_RETURN_IF_ERROR(MountNew(NewTmpfs(01777, 0), "/dev/shm", "tmpfs"));
  GK_RETURN_IF_ERROR(MountRun());
  SetBooting(false);
  return 0;
}

}  // namespace gk
