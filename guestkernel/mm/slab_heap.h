// SPDX-License-Identifier: Apache-2.0
//
// The heap behind lib/heap.h. Blocks up to 2 KiB come from slabs: aligned runs
// of frames with a header and objects of one size. Larger blocks are runs of
// frames. What a block is stands in the state word of its frame. Kernel only,
// big kernel lock held; trusts its callers, but asserts on bad frees.
#ifndef CRVM_GUESTKERNEL_MM_SLAB_HEAP_H_
#define CRVM_GUESTKERNEL_MM_SLAB_HEAP_H_

#include <cstddef>
#include <cstdint>

namespace gk {

class SlabHeap {
 public:
  void* Allocate(size_t size);
  void Free(void* block);
  // Bytes that the block can hold.
  static size_t CapacityOf(const void* block);

  static constexpr size_t kLargestSlabObject = 2048;
  static constexpr unsigned kClassCount = 15;

 private:
  struct Slab;
  struct SizeClass {
    Slab* partial = nullptr;  // those with a free object, doubly linked
    Slab* spare = nullptr;    // one empty slab, kept
  };

  void* AllocateLarge(size_t size);
  Slab* AddSlab(unsigned size_class);
  void LinkPartial(unsigned size_class, Slab* slab);
  void UnlinkPartial(unsigned size_class, Slab* slab);
  void FreeSlab(Slab* slab);

  SizeClass classes_[kClassCount];
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_SLAB_HEAP_H_
