// SPDX-License-Identifier: Apache-2.0
//
// System calls of process/.
#ifndef CRVM_GUESTKERNEL_PROCESS_SYSCALLS_H_
#define CRVM_GUESTKERNEL_PROCESS_SYSCALLS_H_

#include "guestkernel/syscall/syscall.h"

namespace gk {

// exec.cc
int64_t SysExecve(const SyscallArgs& args);
int64_t SysExecveat(const SyscallArgs& args);
// clone.cc
int64_t SysClone(const SyscallArgs& args);
int64_t SysClone3(const SyscallArgs& args);
int64_t SysFork(const SyscallArgs& args);
int64_t SysVfork(const SyscallArgs& args);
int64_t SysSetTidAddress(const SyscallArgs& args);
int64_t SysUnshare(const SyscallArgs& args);
// exit.cc
int64_t SysExit(const SyscallArgs& args);
int64_t SysExitGroup(const SyscallArgs& args);
// wait.cc
int64_t SysWait4(const SyscallArgs& args);
int64_t SysWaitid(const SyscallArgs& args);
// ids.cc
int64_t SysGetpid(const SyscallArgs& args);
int64_t SysGettid(const SyscallArgs& args);
int64_t SysGetppid(const SyscallArgs& args);
int64_t SysGetpgid(const SyscallArgs& args);
int64_t SysGetpgrp(const SyscallArgs& args);
int64_t SysSetpgid(const SyscallArgs& args);
int64_t SysGetsid(const SyscallArgs& args);
int64_t SysSetsid(const SyscallArgs& args);
// user_ids.cc
int64_t SysGetuid(const SyscallArgs& args);
int64_t SysGeteuid(const SyscallArgs& args);
int64_t SysGetgid(const SyscallArgs& args);
int64_t SysGetegid(const SyscallArgs& args);
int64_t SysGetresuid(const SyscallArgs& args);
int64_t SysGetresgid(const SyscallArgs& args);
int64_t SysSetuid(const SyscallArgs& args);
int64_t SysSetgid(const SyscallArgs& args);
int64_t SysSetreuid(const SyscallArgs& args);
int64_t SysSetregid(const SyscallArgs& args);
int64_t SysSetresuid(const SyscallArgs& args);
int64_t SysSetresgid(const SyscallArgs& args);
int64_t SysSetfsuid(const SyscallArgs& args);
int64_t SysSetfsgid(const SyscallArgs& args);
int64_t SysGetgroups(const SyscallArgs& args);
int64_t SysSetgroups(const SyscallArgs& args);
int64_t SysCapget(const SyscallArgs& args);
int64_t SysCapset(const SyscallArgs& args);
// limits.cc
int64_t SysGetrlimit(const SyscallArgs& args);
int64_t SysSetrlimit(const SyscallArgs& args);
int64_t SysPrlimit64(const SyscallArgs& args);
// usage.cc
int64_t SysGetrusage(const SyscallArgs& args);
int64_t SysTimes(const SyscallArgs& args);
// prctl.cc, arch_prctl.cc
int64_t SysPrctl(const SyscallArgs& args);
int64_t SysArchPrctl(const SyscallArgs& args);
// system.cc
int64_t SysUname(const SyscallArgs& args);
int64_t SysSethostname(const SyscallArgs& args);
int64_t SysSetdomainname(const SyscallArgs& args);
int64_t SysSysinfo(const SyscallArgs& args);
int64_t SysPersonality(const SyscallArgs& args);
int64_t SysGetcpu(const SyscallArgs& args);
int64_t SysGetrandom(const SyscallArgs& args);
int64_t SysReboot(const SyscallArgs& args);
// pidfd.cc
int64_t SysPidfdOpen(const SyscallArgs& args);
int64_t SysPidfdSendSignal(const SyscallArgs& args);
int64_t SysPidfdGetfd(const SyscallArgs& args);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_SYSCALLS_H_
