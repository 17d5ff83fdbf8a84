// SPDX-License-Identifier: Apache-2.0
//
// One line for each system call, sorted by number
// (arch/x86/entry/syscalls/syscall_64.tbl). Handlers are declared in their
// subsystem's syscalls.h.
#include "guestkernel/syscall/table.h"

#include "guestkernel/arch/syscalls.h"
#include "guestkernel/process/syscalls.h"

namespace gk {

const SyscallEntry kSyscallTable[] = {
    // clang-format off
    {15, "rt_sigreturn", SysRtSigreturn},
    {39, "getpid", SysGetpid},
    {56, "clone", SysClone},
    {57, "fork", SysFork},
    {58, "vfork", SysVfork},
    {59, "execve", SysExecve},
    {60, "exit", SysExit},
    {61, "wait4", SysWait4},
    {63, "uname", SysUname},
    {97, "getrlimit", SysGetrlimit},
    {98, "getrusage", SysGetrusage},
    {99, "sysinfo", SysSysinfo},
    {100, "times", SysTimes},
    {102, "getuid", SysGetuid},
    {104, "getgid", SysGetgid},
    {105, "setuid", SysSetuid},
    {106, "setgid", SysSetgid},
    {107, "geteuid", SysGeteuid},
    {108, "getegid", SysGetegid},
    {109, "setpgid", SysSetpgid},
    {110, "getppid", SysGetppid},
    {111, "getpgrp", SysGetpgrp},
    {112, "setsid", SysSetsid},
    {113, "setreuid", SysSetreuid},
    {114, "setregid", SysSetregid},
    {115, "getgroups", SysGetgroups},
    {116, "setgroups", SysSetgroups},
    {117, "setresuid", SysSetresuid},
    {118, "getresuid", SysGetresuid},
    {119, "setresgid", SysSetresgid},
    {120, "getresgid", SysGetresgid},
    {121, "getpgid", SysGetpgid},
    {122, "setfsuid", SysSetfsuid},
    {123, "setfsgid", SysSetfsgid},
    {124, "getsid", SysGetsid},
    {125, "capget", SysCapget},
    {126, "capset", SysCapset},
    {135, "personality", SysPersonality},
    {157, "prctl", SysPrctl},
    {158, "arch_prctl", SysArchPrctl},
    {160, "setrlimit", SysSetrlimit},
    {169, "reboot", SysReboot},
    {170, "sethostname", SysSethostname},
    {171, "setdomainname", SysSetdomainname},
    {186, "gettid", SysGettid},
    {218, "set_tid_address", SysSetTidAddress},
    {231, "exit_group", SysExitGroup},
    {247, "waitid", SysWaitid},
    {272, "unshare", SysUnshare},
    {302, "prlimit64", SysPrlimit64},
    {309, "getcpu", SysGetcpu},
    {318, "getrandom", SysGetrandom},
    {322, "execveat", SysExecveat},
    {424, "pidfd_send_signal", SysPidfdSendSignal},
    {434, "pidfd_open", SysPidfdOpen},
    {435, "clone3", SysClone3},
    {438, "pidfd_getfd", SysPidfdGetfd},
    // clang-format on
};
const size_t kSyscallTableSize = sizeof(kSyscallTable) / sizeof(SyscallEntry);

}  // namespace gk
