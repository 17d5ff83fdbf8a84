// SPDX-License-Identifier: Apache-2.0
//
// The table of system calls (table.cc) and look-ups in it.
#ifndef CRVM_GUESTKERNEL_SYSCALL_TABLE_H_
#define CRVM_GUESTKERNEL_SYSCALL_TABLE_H_

#include <cstddef>

#include "guestkernel/syscall/syscall.h"

namespace gk {

inline constexpr uint64_t kSyscallLimit = 512;  // numbers below it may exist

extern const SyscallEntry kSyscallTable[];
extern const size_t kSyscallTableSize;

void SyscallTableInit();                   // from KernelMain
const char* SyscallName(uint64_t number);  // null: there is none

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SYSCALL_TABLE_H_
