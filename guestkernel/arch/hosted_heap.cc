// SPDX-License-Identifier: Apache-2.0
//
// The kernel heap of hosted tests: malloc, and failure on request. A file of
// its own, so that tests of the real heap can link that instead.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "guestkernel/arch/hosted.h"
#include "guestkernel/lib/heap.h"

namespace gk {
namespace {
int64_t allocations_left = -1;
}  // namespace

namespace hosted {
void FailAllocationsAfter(int64_t count) { allocations_left = count; }
}  // namespace hosted

void* HeapAllocate(size_t size) {
  if (allocations_left == 0) return nullptr;
  if (allocations_left > 0) --allocations_left;
  size_t alignment = size >= 4096 ? 4096 : 16;
  return aligned_alloc(
      alignment,
      std::max<size_t>((size + alignment - 1) / alignment, 1) * alignment);
}
void* HeapAllocateZeroed(size_t size) {
  void* block = HeapAllocate(size);
  if (block) memset(block, 0, size);
  return block;
}
void HeapFree(void* block) { free(block); }

}  // namespace gk

// `new (std::nothrow)` of kernel code fails on request as well. The others go
// with it, so that what one allocates the other may free.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return gk::HeapAllocate(size);
}
void* operator new(size_t size) {
  void* block = malloc(size > 0 ? size : 1);
  if (!block) abort();
  return block;
}
void operator delete(void* block) noexcept { free(block); }
void operator delete(void* block, size_t) noexcept { free(block); }
