// SPDX-License-Identifier: Apache-2.0
//
// Stirs new entropy into what RandomBytes (arch.h) gives: at a resume, so that
// two clones of one snapshot differ, and on writes to /dev/urandom.
#ifndef CRVM_GUESTKERNEL_ARCH_RANDOM_H_
#define CRVM_GUESTKERNEL_ARCH_RANDOM_H_

#include <cstddef>

namespace gk {

void AddEntropy(const void* seed, size_t n);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_ARCH_RANDOM_H_
