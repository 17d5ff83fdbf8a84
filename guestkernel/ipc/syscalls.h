// SPDX-License-Identifier: Apache-2.0
//
// System calls of ipc/.
#ifndef CRVM_GUESTKERNEL_IPC_SYSCALLS_H_
#define CRVM_GUESTKERNEL_IPC_SYSCALLS_H_

#include "guestkernel/syscall/syscall.h"

namespace gk {

int64_t SysPipe(const SyscallArgs& args);
int64_t SysPipe2(const SyscallArgs& args);
int64_t SysEventfd(const SyscallArgs& args);
int64_t SysEventfd2(const SyscallArgs& args);
int64_t SysTimerfdCreate(const SyscallArgs& args);
int64_t SysTimerfdSettime(const SyscallArgs& args);
int64_t SysTimerfdGettime(const SyscallArgs& args);
int64_t SysSignalfd(const SyscallArgs& args);
int64_t SysSignalfd4(const SyscallArgs& args);
int64_t SysPoll(const SyscallArgs& args);
int64_t SysPpoll(const SyscallArgs& args);
int64_t SysSelect(const SyscallArgs& args);
int64_t SysPselect6(const SyscallArgs& args);
int64_t SysEpollCreate(const SyscallArgs& args);
int64_t SysEpollCreate1(const SyscallArgs& args);
int64_t SysEpollCtl(const SyscallArgs& args);
int64_t SysEpollWait(const SyscallArgs& args);
int64_t SysEpollPwait(const SyscallArgs& args);
int64_t SysEpollPwait2(const SyscallArgs& args);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_IPC_SYSCALLS_H_
