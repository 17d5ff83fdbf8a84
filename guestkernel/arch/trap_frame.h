// SPDX-License-Identifier: Apache-2.0
//
// The registers of an interrupted program, at the top of its thread's kernel
// stack, in the order that entry.S pushes them.
#ifndef CRVM_GUESTKERNEL_ARCH_TRAP_FRAME_H_
#define CRVM_GUESTKERNEL_ARCH_TRAP_FRAME_H_

#include <cstddef>
#include <cstdint>

namespace gk {

struct TrapFrame {
  uint64_t r15, r14, r13, r12, rbp, rbx;
  uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
  uint64_t vector;      // exception vector, or kSyscallVector
  uint64_t error_code;  // of the exception; the system call number for system
                        // calls (as Linux's orig_rax), ~0 if none
  uint64_t rip, cs, rflags, rsp, ss;
};
static_assert(offsetof(TrapFrame, vector) == 15 * 8);
static_assert(sizeof(TrapFrame) == 22 * 8);

inline constexpr uint64_t kSyscallVector = 0x100;

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_ARCH_TRAP_FRAME_H_
