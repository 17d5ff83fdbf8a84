// SPDX-License-Identifier: Apache-2.0
//
// System calls of arch/.
#ifndef CRVM_GUESTKERNEL_ARCH_SYSCALLS_H_
#define CRVM_GUESTKERNEL_ARCH_SYSCALLS_H_

#include "guestkernel/syscall/syscall.h"

namespace gk {

int64_t SysRtSigreturn(const SyscallArgs& args);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_ARCH_SYSCALLS_H_
