// SPDX-License-Identifier: Apache-2.0
//
// For mm only: how often page caches have asked their backing for pages since
// boot; tells major faults from minor ones.
#ifndef CRVM_GUESTKERNEL_MM_PAGE_CACHE_STATS_H_
#define CRVM_GUESTKERNEL_MM_PAGE_CACHE_STATS_H_

#include <cstdint>

namespace gk {

uint64_t PageReads();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_PAGE_CACHE_STATS_H_
