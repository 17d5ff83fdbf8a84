// SPDX-License-Identifier: Apache-2.0
//
// System calls of mm.
#ifndef CRVM_GUESTKERNEL_MM_SYSCALLS_H_
#define CRVM_GUESTKERNEL_MM_SYSCALLS_H_

#include "guestkernel/syscall/syscall.h"

namespace gk {

int64_t SysMmap(const SyscallArgs& args);
int64_t SysMunmap(const SyscallArgs& args);
int64_t SysMprotect(const SyscallArgs& args);
int64_t SysMremap(const SyscallArgs& args);
int64_t SysBrk(const SyscallArgs& args);
int64_t SysMadvise(const SyscallArgs& args);
int64_t SysMincore(const SyscallArgs& args);
int64_t SysMsync(const SyscallArgs& args);
int64_t SysMlock(const SyscallArgs& args);
int64_t SysMlock2(const SyscallArgs& args);
int64_t SysMunlock(const SyscallArgs& args);
int64_t SysMlockall(const SyscallArgs& args);
int64_t SysMunlockall(const SyscallArgs& args);
int64_t SysMembarrier(const SyscallArgs& args);
int64_t SysPkeyMprotect(const SyscallArgs& args);
int64_t SysPkeyAlloc(const SyscallArgs& args);
int64_t SysPkeyFree(const SyscallArgs& args);
int64_t SysProcessVmReadv(const SyscallArgs& args);
int64_t SysProcessVmWritev(const SyscallArgs& args);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_SYSCALLS_H_
