// SPDX-License-Identifier: Apache-2.0
//
// System-call dispatch: a table with one line for each call (table.cc),
// handlers live with their subsystem and are declared in that subsystem's
// `syscalls.h`.
#ifndef CRVM_GUESTKERNEL_SYSCALL_SYSCALL_H_
#define CRVM_GUESTKERNEL_SYSCALL_SYSCALL_H_

#include <cstdint>

#include "guestkernel/arch/trap_frame.h"
#include "guestkernel/arch/user_copy.h"

namespace gk {

// The six argument registers (rdi, rsi, rdx, r10, r8, r9), with the conversions
// that handlers need.
struct SyscallArgs {
  uint64_t a[6];
  TrapFrame* frame;  // of the caller; clone, execve, sigreturn use it
  int Int(int i) const { return static_cast<int>(a[i]); }
  uint32_t U32(int i) const { return static_cast<uint32_t>(a[i]); }
  int64_t I64(int i) const { return static_cast<int64_t>(a[i]); }
  uint64_t U64(int i) const { return a[i]; }
  UserAddress User(int i) const { return UserAddress(a[i]); }
};

// The result for rax: a value or negative errno (also -kErestart*).
using SyscallHandler = int64_t (*)(const SyscallArgs& args);

struct SyscallEntry {
  uint16_t number;
  const char* name;
  SyscallHandler handler;
};

// Called by entry.S with the caller's frame; leaves the result in frame->rax.
extern "C" void SyscallDispatch(TrapFrame* frame);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SYSCALL_SYSCALL_H_
