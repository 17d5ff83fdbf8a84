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

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_SYSCALLS_H_
