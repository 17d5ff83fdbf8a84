// SPDX-License-Identifier: Apache-2.0
//
// The table of mounted file systems, inside the VFS. There is one namespace,
// made at boot; nothing is unmounted.
#ifndef CRVM_GUESTKERNEL_FS_MOUNT_H_
#define CRVM_GUESTKERNEL_FS_MOUNT_H_

#include "guestkernel/fs/path.h"

namespace gk {

// True until MountAll is done: there is no process yet, walks start at the root
// and permissions are not checked.
bool IsBooting();

// Tests: mounts `root` as the tree's root, as MountAll does.
int MountRoot(FileSystem* root, const char* source);
void SetBooting(bool booting);
// Tests: drops all mounts and names; the file systems may be deleted then.
void ForgetMounts();

int SyncAllFileSystems();
void WriteBackAllFileSystems();  // as at exit: no waiting for the disk

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_MOUNT_H_
