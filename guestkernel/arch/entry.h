// SPDX-License-Identifier: Apache-2.0
//
// Numbers that entry.S shares with C++ (kept to what the preprocessor can
// carry).
#ifndef CRVM_GUESTKERNEL_ARCH_ENTRY_H_
#define CRVM_GUESTKERNEL_ARCH_ENTRY_H_

// vCPUs that have entry code, and the vectors that have gates: the exceptions
// (SDM vol. 3, table 6-1) and the event vector, 32.
#define ENTRY_VCPUS 0
#define EXCEPTION_VECTORS                                                   \
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, \
      21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32
#define EXCEPTION_VECTOR_COUNT 33
// abi::kKernelBase + abi::kVcpuPageGpa
#define VP_BASE 0xffffffff80010000

#endif  // CRVM_GUESTKERNEL_ARCH_ENTRY_H_
