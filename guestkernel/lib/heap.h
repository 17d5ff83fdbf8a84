// SPDX-License-Identifier: Apache-2.0
//
// The kernel heap: small blocks from size-class slabs, large ones as runs of
// frames (mm/heap.cc). Hosted builds use malloc. `new (std::nothrow) T` uses it
// too; plain `new` does not exist in the kernel.
#ifndef CRVM_GUESTKERNEL_LIB_HEAP_H_
#define CRVM_GUESTKERNEL_LIB_HEAP_H_

#include <cstddef>

namespace gk {

// 16-byte aligned (page-aligned for sizes of a page and more); null when out of
// memory. Contents undefined.
void* HeapAllocate(size_t size);
void* HeapAllocateZeroed(size_t size);
void HeapFree(void* block);  // null is fine

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_LIB_HEAP_H_
