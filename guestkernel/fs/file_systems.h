// SPDX-License-Identifier: Apache-2.0
//
// Makers of the file systems that MountAll puts together. Each is made once and
// lives as long as the kernel.
#ifndef CRVM_GUESTKERNEL_FS_FILE_SYSTEMS_H_
#define CRVM_GUESTKERNEL_FS_FILE_SYSTEMS_H_

#include <cstdint>

#include "guestkernel/fs/inode.h"

namespace gk {

Result<FileSystem*> FuseRootInit();  // fs/fuse: the host's files
// fs/tmpfs: root directory of this mode, owned by root; size_limit bytes, 0:
// half of memory.
Result<FileSystem*> NewTmpfs(uint32_t mode, uint64_t size_limit);
Result<FileSystem*> NewProcFs();  // fs/proc
Result<FileSystem*> NewSysFs();   // fs/sys
Result<FileSystem*> NewDevFs();   // fs/dev
Result<FileSystem*> NewDevPts();  // tty/

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FILE_SYSTEMS_H_
