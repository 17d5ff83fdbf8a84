// SPDX-License-Identifier: Apache-2.0
//
// The file system calls. Each is specified by its man page in section 2; the
// handlers are in sys_*.cc by theme.
#ifndef CRVM_GUESTKERNEL_FS_SYSCALLS_H_
#define CRVM_GUESTKERNEL_FS_SYSCALLS_H_

#include "guestkernel/syscall/syscall.h"

namespace gk {

// sys_open.cc
int64_t SysOpen(const SyscallArgs& args);
int64_t SysOpenat(const SyscallArgs& args);
int64_t SysOpenat2(const SyscallArgs& args);
int64_t SysCreat(const SyscallArgs& args);
int64_t SysClose(const SyscallArgs& args);
int64_t SysCloseRange(const SyscallArgs& args);
int64_t SysDup(const SyscallArgs& args);
int64_t SysDup2(const SyscallArgs& args);
int64_t SysDup3(const SyscallArgs& args);
// memfd.cc
int64_t SysMemfdCreate(const SyscallArgs& args);
// sys_read_write.cc
int64_t SysRead(const SyscallArgs& args);
int64_t SysWrite(const SyscallArgs& args);
int64_t SysPread64(const SyscallArgs& args);
int64_t SysPwrite64(const SyscallArgs& args);
int64_t SysReadv(const SyscallArgs& args);
int64_t SysWritev(const SyscallArgs& args);
int64_t SysPreadv(const SyscallArgs& args);
int64_t SysPwritev(const SyscallArgs& args);
int64_t SysPreadv2(const SyscallArgs& args);
int64_t SysPwritev2(const SyscallArgs& args);
int64_t SysLseek(const SyscallArgs& args);
// sys_stat.cc
int64_t SysStat(const SyscallArgs& args);
int64_t SysFstat(const SyscallArgs& args);
int64_t SysLstat(const SyscallArgs& args);
int64_t SysNewfstatat(const SyscallArgs& args);
int64_t SysStatx(const SyscallArgs& args);
int64_t SysStatfs(const SyscallArgs& args);
int64_t SysFstatfs(const SyscallArgs& args);
int64_t SysAccess(const SyscallArgs& args);
int64_t SysFaccessat(const SyscallArgs& args);
int64_t SysFaccessat2(const SyscallArgs& args);
int64_t SysReadlink(const SyscallArgs& args);
int64_t SysReadlinkat(const SyscallArgs& args);
// sys_attributes.cc
int64_t SysChmod(const SyscallArgs& args);
int64_t SysFchmod(const SyscallArgs& args);
int64_t SysFchmodat(const SyscallArgs& args);
int64_t SysFchmodat2(const SyscallArgs& args);
int64_t SysChown(const SyscallArgs& args);
int64_t SysFchown(const SyscallArgs& args);
int64_t SysLchown(const SyscallArgs& args);
int64_t SysFchownat(const SyscallArgs& args);
int64_t SysUtime(const SyscallArgs& args);
int64_t SysUtimes(const SyscallArgs& args);
int64_t SysFutimesat(const SyscallArgs& args);
int64_t SysUtimensat(const SyscallArgs& args);
// sys_truncate.cc
int64_t SysTruncate(const SyscallArgs& args);
int64_t SysFtruncate(const SyscallArgs& args);
int64_t SysFallocate(const SyscallArgs& args);
int64_t SysSync(const SyscallArgs& args);
int64_t SysFsync(const SyscallArgs& args);
int64_t SysFdatasync(const SyscallArgs& args);
int64_t SysSyncfs(const SyscallArgs& args);
int64_t SysSyncFileRange(const SyscallArgs& args);
int64_t SysFadvise64(const SyscallArgs& args);
int64_t SysReadahead(const SyscallArgs& args);
// sys_names.cc
int64_t SysMkdir(const SyscallArgs& args);
int64_t SysMkdirat(const SyscallArgs& args);
int64_t SysRmdir(const SyscallArgs& args);
int64_t SysUnlink(const SyscallArgs& args);
int64_t SysUnlinkat(const SyscallArgs& args);
int64_t SysRename(const SyscallArgs& args);
int64_t SysRenameat(const SyscallArgs& args);
int64_t SysRenameat2(const SyscallArgs& args);
int64_t SysLink(const SyscallArgs& args);
int64_t SysLinkat(const SyscallArgs& args);
int64_t SysSymlink(const SyscallArgs& args);
int64_t SysSymlinkat(const SyscallArgs& args);
int64_t SysMknod(const SyscallArgs& args);
int64_t SysMknodat(const SyscallArgs& args);
int64_t SysMount(const SyscallArgs& args);
int64_t SysUmount2(const SyscallArgs& args);
int64_t SysPivotRoot(const SyscallArgs& args);
// sys_directory.cc
int64_t SysGetdents(const SyscallArgs& args);
int64_t SysGetdents64(const SyscallArgs& args);
int64_t SysChdir(const SyscallArgs& args);
int64_t SysFchdir(const SyscallArgs& args);
int64_t SysGetcwd(const SyscallArgs& args);
int64_t SysChroot(const SyscallArgs& args);
int64_t SysUmask(const SyscallArgs& args);
// sys_fcntl.cc, sys_locks.cc
int64_t SysFcntl(const SyscallArgs& args);
int64_t SysIoctl(const SyscallArgs& args);
int64_t SysFlock(const SyscallArgs& args);
// sys_copy.cc
int64_t SysSendfile(const SyscallArgs& args);
int64_t SysCopyFileRange(const SyscallArgs& args);
int64_t SysSplice(const SyscallArgs& args);
int64_t SysTee(const SyscallArgs& args);
int64_t SysVmsplice(const SyscallArgs& args);
// sys_xattr.cc
int64_t SysSetxattr(const SyscallArgs& args);
int64_t SysLsetxattr(const SyscallArgs& args);
int64_t SysFsetxattr(const SyscallArgs& args);
int64_t SysGetxattr(const SyscallArgs& args);
int64_t SysLgetxattr(const SyscallArgs& args);
int64_t SysFgetxattr(const SyscallArgs& args);
int64_t SysListxattr(const SyscallArgs& args);
int64_t SysLlistxattr(const SyscallArgs& args);
int64_t SysFlistxattr(const SyscallArgs& args);
int64_t SysRemovexattr(const SyscallArgs& args);
int64_t SysLremovexattr(const SyscallArgs& args);
int64_t SysFremovexattr(const SyscallArgs& args);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_SYSCALLS_H_
