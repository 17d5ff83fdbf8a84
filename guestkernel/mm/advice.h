// SPDX-License-Identifier: Apache-2.0
//
// MADV_* of madvise(2); asm-generic/mman-common.h.
#ifndef CRVM_GUESTKERNEL_MM_ADVICE_H_
#define CRVM_GUESTKERNEL_MM_ADVICE_H_

namespace gk {

enum Advice : int {
  kAdviseNormal = 0,
  kAdviseRandom = 1,
  kAdviseSequential = 2,
  kAdviseWillNeed = 3,
  kAdviseDontNeed = 4,
  kAdviseFree = 8,
  kAdviseRemove = 9,
  kAdviseDontFork = 10,
  kAdviseDoFork = 11,
  kAdviseHugePage = 14,
  kAdviseNoHugePage = 15,
  kAdviseDontDump = 16,
  kAdviseDoDump = 17,
  kAdviseWipeOnFork = 18,
  kAdviseKeepOnFork = 19,
  kAdviseCold = 20,
  kAdvisePageOut = 21,
  kAdvisePopulateRead = 22,
  kAdvisePopulateWrite = 23,
  kAdviseDontNeedLocked = 24,
};

// The others (KSM, memory poisoning, MADV_COLLAPSE) are refused as by a Linux
// without those options.
inline bool IsKnownAdvice(int advice) {
  return (advice >= kAdviseNormal && advice <= kAdviseDontNeed) ||
         (advice >= kAdviseFree && advice <= kAdviseDoFork) ||
         (advice >= kAdviseHugePage && advice <= kAdviseDontNeedLocked);
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_ADVICE_H_
