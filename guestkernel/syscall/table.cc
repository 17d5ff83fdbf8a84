// SPDX-License-Identifier: Apache-2.0
//
// One line for each system call, sorted by number
// (arch/x86/entry/syscalls/syscall_64.tbl). Handlers are declared in their
// subsystem's syscalls.h.
#include "guestkernel/syscall/table.h"

#include "guestkernel/arch/syscalls.h"

namespace gk {

const SyscallEntry kSyscallTable[] = {
    // clang-format off
    {15, "rt_sigreturn", SysRtSigreturn},
    // clang-format on
};
const size_t kSyscallTableSize = sizeof(kSyscallTable) / sizeof(SyscallEntry);

}  // namespace gk
