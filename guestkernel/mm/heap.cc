// SPDX-License-Identifier: Apache-2.0
//
// lib/heap.h and operator new for the kernel build. (Hosted builds have malloc
// and the host's operators.)
#include "guestkernel/lib/heap.h"

#include <new>

#include "guestkernel/lib/string.h"
#include "guestkernel/mm/slab_heap.h"

namespace gk {
namespace {
constinit SlabHeap g_heap;
}

void* HeapAllocate(size_t size) { return g_heap.Allocate(size); }

void* HeapAllocateZeroed(size_t size) {
  void* block = g_heap.Allocate(size);
  if (block) memset(block, 0, size);
  return block;
}

void HeapFree(void* block) { g_heap.Free(block); }

}  // namespace gk

void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return gk::HeapAllocate(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return gk::HeapAllocate(size);
}
void operator delete(void* block) noexcept { gk::HeapFree(block); }
void operator delete[](void* block) noexcept { gk::HeapFree(block); }
void operator delete(void* block, size_t) noexcept { gk::HeapFree(block); }
void operator delete[](void* block, size_t) noexcept { gk::HeapFree(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept {
  gk::HeapFree(block);
}
