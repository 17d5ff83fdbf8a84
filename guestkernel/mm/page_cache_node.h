// SPDX-License-Identifier: Apache-2.0
//
// For mm only: a node of PageCache's radix tree, and walking it.
#ifndef CRVM_GUESTKERNEL_MM_PAGE_CACHE_NODE_H_
#define CRVM_GUESTKERNEL_MM_PAGE_CACHE_NODE_H_

#include <cstdint>

#include "guestkernel/lib/heap.h"
#include "guestkernel/mm/memory_object.h"

namespace gk {

struct PageCache::Node {
  uint64_t present;  // slots in use
  uint64_t dirty;    // leaves only
  union {
    Node* child[64];
    uint64_t frame[64];  // leaves; valid where present
  };

  bool Has(unsigned slot) const { return present >> slot & 1; }
  bool IsDirty(unsigned slot) const { return dirty >> slot & 1; }
  static Node* New() {
    return static_cast<Node*>(HeapAllocateZeroed(sizeof(Node)));
  }
};

// Bits of the leaf that starts at page `base` for pages [first, last].
inline uint64_t SlotsIn(uint64_t base, uint64_t first, uint64_t last) {
  uint64_t bits = ~uint64_t{0};
  if (first > base) bits &= ~uint64_t{0} << (first - base);
  if (last - base < 63) bits &= ~uint64_t{0} >> (63 - (last - base));
  return bits;
}

template <typename Visit>
void PageCache::VisitNode(Node*& node, unsigned height, uint64_t base,
                          uint64_t first, uint64_t last, Visit& visit) {
  if (height == 1) {
    visit(node, base);
  } else {
    uint64_t span = uint64_t{1} << (6 * (height - 1));
    for (uint64_t bits = node->present; bits; bits &= bits - 1) {
      unsigned slot = __builtin_ctzll(bits);
      uint64_t at = base + slot * span;
      if (at > last || at + (span - 1) < first) continue;
      VisitNode(node->child[slot], height - 1, at, first, last, visit);
      if (!node->child[slot]) node->present &= ~(uint64_t{1} << slot);
    }
  }
  if (node->present != 0) return;
  HeapFree(node);
  node = nullptr;
}

template <typename Visit>
void PageCache::ForEachLeaf(uint64_t first, uint64_t last, Visit visit) {
  if (!root_) return;
  VisitNode(root_, height_, 0, first, last, visit);
  if (!root_) height_ = 0;
}

// The first page >= `first` whose bit is set in bits_of(leaf); ~0: none.
template <typename BitsOf>
uint64_t PageCache::FindFirst(const Node* node, unsigned height, uint64_t base,
                              uint64_t first, BitsOf bits_of) {
  if (height == 1) {
    uint64_t bits = bits_of(*node) & SlotsIn(base, first, ~uint64_t{0});
    return bits ? base + __builtin_ctzll(bits) : ~uint64_t{0};
  }
  uint64_t span = uint64_t{1} << (6 * (height - 1));
  for (uint64_t bits = node->present; bits; bits &= bits - 1) {
    unsigned slot = __builtin_ctzll(bits);
    uint64_t at = base + slot * span;
    if (at + (span - 1) < first) continue;
    uint64_t found =
        FindFirst(node->child[slot], height - 1, at, first, bits_of);
    if (found != ~uint64_t{0}) return found;
  }
  return ~uint64_t{0};
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_PAGE_CACHE_NODE_H_
