// SPDX-License-Identifier: Apache-2.0
//
// How often page caches have asked their backing for pages since boot; tells
// major faults from minor ones. Only the page cache counts.
#ifndef CRVM_GUESTKERNEL_MM_PAGE_CACHE_STATS_H_
#define CRVM_GUESTKERNEL_MM_PAGE_CACHE_STATS_H_

#include <cstdint>

namespace gk {

inline constinit uint64_t g_page_reads = 0;
inline uint64_t PageReads() { return g_page_reads; }

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_PAGE_CACHE_STATS_H_
