// SPDX-License-Identifier: Apache-2.0
//
// CPUID, which is not privileged: the kernel sees what programs see.
#ifndef CRVM_GUESTKERNEL_ARCH_CPU_ID_H_
#define CRVM_GUESTKERNEL_ARCH_CPU_ID_H_

#include <cstdint>

namespace gk {

struct CpuIdResult {
  uint32_t eax, ebx, ecx, edx;
};

inline CpuIdResult CpuId(uint32_t leaf, uint32_t subleaf = 0) {
  CpuIdResult r;
  asm volatile("cpuid"
               : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
               : "a"(leaf), "c"(subleaf));
  return r;
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_ARCH_CPU_ID_H_
