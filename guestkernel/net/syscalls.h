// SPDX-License-Identifier: Apache-2.0
//
// System calls of net/.
#ifndef CRVM_GUESTKERNEL_NET_SYSCALLS_H_
#define CRVM_GUESTKERNEL_NET_SYSCALLS_H_

#include "guestkernel/syscall/syscall.h"

namespace gk {

int64_t SysSocket(const SyscallArgs& args);
int64_t SysConnect(const SyscallArgs& args);
int64_t SysAccept(const SyscallArgs& args);
int64_t SysAccept4(const SyscallArgs& args);
int64_t SysSendto(const SyscallArgs& args);
int64_t SysRecvfrom(const SyscallArgs& args);
int64_t SysSendmsg(const SyscallArgs& args);
int64_t SysSendmmsg(const SyscallArgs& args);
int64_t SysRecvmsg(const SyscallArgs& args);
int64_t SysRecvmmsg(const SyscallArgs& args);
int64_t SysShutdown(const SyscallArgs& args);
int64_t SysBind(const SyscallArgs& args);
int64_t SysListen(const SyscallArgs& args);
int64_t SysGetsockname(const SyscallArgs& args);
int64_t SysGetpeername(const SyscallArgs& args);
int64_t SysSocketpair(const SyscallArgs& args);
int64_t SysSetsockopt(const SyscallArgs& args);
int64_t SysGetsockopt(const SyscallArgs& args);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_NET_SYSCALLS_H_
