// SPDX-License-Identifier: Apache-2.0
//
// Linux error numbers, and the kernel-internal ones that never reach a program
// (include/linux/errno.h values).
#ifndef CRVM_GUESTKERNEL_LIB_ERRNO_H_
#define CRVM_GUESTKERNEL_LIB_ERRNO_H_

#include <asm/errno.h>

namespace gk {

// Interrupted by a signal: restart per SA_RESTART, or as named (signal delivery
// turns them into EINTR or a restart).
inline constexpr int kErestartSys = 512;
inline constexpr int kErestartNoIntr = 513;
inline constexpr int kErestartNoHand = 514;
inline constexpr int kErestartRestartBlock = 516;

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_LIB_ERRNO_H_
