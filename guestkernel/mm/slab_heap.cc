// SPDX-License-Identifier: Apache-2.0
//
// See slab_heap.h.
#include "guestkernel/mm/slab_heap.h"

#include "guestkernel/arch/arch.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/mm/frame.h"
#include "guestkernel/mm/frame_internal.h"

namespace gk {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHeaderSize = 64;  // objects of 64, 128.. bytes stay aligned

constexpr uint16_t kSizes[SlabHeap::kClassCount] = {
    16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 576, 768, 1024, 1536, 2048};
// Frames of a slab, as a power of two.
constexpr uint8_t kOrders[SlabHeap::kClassCount] = {0, 0, 0, 0, 0, 0, 0, 0,
                                                    1, 2, 2, 2, 2, 3, 3};

// The smallest class for each size in steps of 16 bytes.
struct ClassTable {
  uint8_t of[SlabHeap::kLargestSlabObject / 16 + 1];
  constexpr ClassTable() : of() {
    unsigned c = 0;
    for (size_t i = 0; i <= SlabHeap::kLargestSlabObject / 16; ++i) {
      while (kSizes[c] < i * 16) ++c;
      of[i] = c;
    }
  }
};
constexpr ClassTable kClassTable;

// State word of a heap frame: kind and class, or kind and number of frames.
constexpr uint32_t kKindMask = 3u << 29;
constexpr uint32_t kSlabKind = 1u << 29;
constexpr uint32_t kLargeKind = 2u << 29;
constexpr uint32_t kValueMask = (1u << 29) - 1;

FrameNumber FrameOf(const void* p) {
  return FrameNumber(VirtualToPhysical(p) / kPage);
}

void SetState(FrameNumber frame, uint32_t value) {
  uint32_t& state = Frames().state(frame);
  state = (state & FrameAllocator::kUsedBefore) | value;
}

unsigned OrderFor(uint64_t frames) {
  unsigned order = 0;
  while ((uint64_t{1} << order) < frames) ++order;
  return order;
}

struct FreeObject {
  FreeObject* next;
};

}  // namespace

struct SlabHeap::Slab {
  Slab* next;
  Slab* previous;
  FreeObject* free;  // freed objects
  uint32_t fresh;    // offset of the first object never handed out
  uint32_t used;     // objects handed out
  uint32_t size;     // of an object
  uint32_t limit;    // no object starts beyond limit - size
  uint8_t size_class;
  uint8_t order;
};

void* SlabHeap::Allocate(size_t size) {
  static_assert(sizeof(Slab) <= kHeaderSize);
  if (size > kLargestSlabObject) return AllocateLarge(size);
  unsigned c = kClassTable.of[(size + 15) / 16];
  Slab* slab = classes_[c].partial;
  if (!slab) {
    slab = AddSlab(c);
    if (!slab) return nullptr;
  }
  ++slab->used;
  void* object = slab->free;
  if (object) {
    slab->free = slab->free->next;
  } else {
    object = reinterpret_cast<char*>(slab) + slab->fresh;
    slab->fresh += slab->size;
  }
  if (!slab->free && slab->fresh + slab->size > slab->limit) {
    UnlinkPartial(c, slab);
  }
  return object;
}

SlabHeap::Slab* SlabHeap::AddSlab(unsigned c) {
  Slab* slab = classes_[c].spare;
  classes_[c].spare = nullptr;
  if (!slab) {
    FrameNumber first = AllocateFrames(kOrders[c], FrameZeroing::kUndefined);
    if (first.is_null()) return nullptr;
    uint64_t count = uint64_t{1} << kOrders[c];
    for (uint64_t i = 0; i < count; ++i) {
      SetState(FrameNumber(first.value + i), kSlabKind | c);
    }
    CountFrames(FrameKind::kHeap, count);
    slab = static_cast<Slab*>(FrameData(first));
    slab->size = kSizes[c];
    slab->limit = kPage << kOrders[c];
    slab->size_class = c;
    slab->order = kOrders[c];
    slab->used = 0;
  }
  slab->free = nullptr;
  slab->fresh = kHeaderSize;
  LinkPartial(c, slab);
  return slab;
}

void SlabHeap::LinkPartial(unsigned c, Slab* slab) {
  slab->previous = nullptr;
  slab->next = classes_[c].partial;
  if (slab->next) slab->next->previous = slab;
  classes_[c].partial = slab;
}

void SlabHeap::UnlinkPartial(unsigned c, Slab* slab) {
  if (slab->next) slab->next->previous = slab->previous;
  (slab->previous ? slab->previous->next : classes_[c].partial) = slab->next;
}

void* SlabHeap::AllocateLarge(size_t size) {
  if (size > (size_t{1} << 36)) return nullptr;
  uint64_t frames = (size + kPage - 1) / kPage;
  unsigned order = OrderFor(frames);
  FrameNumber first = AllocateFrames(order, FrameZeroing::kUndefined);
  if (first.is_null()) return nullptr;
  // What the power of two has too much goes back at once.
  for (uint64_t i = frames; i < (uint64_t{1} << order); ++i) {
    Frames().Free(FrameNumber(first.value + i));
  }
  SetState(first, kLargeKind | static_cast<uint32_t>(frames));
  CountFrames(FrameKind::kHeap, frames);
  return FrameData(first);
}

void SlabHeap::Free(void* block) {
  if (!block) return;
  FrameNumber frame = FrameOf(block);
  uint32_t state = Frames().state(frame);
  if ((state & kKindMask) == kLargeKind) {
    uint32_t frames = state & kValueMask;
    CountFrames(FrameKind::kHeap, -int64_t{frames});
    for (uint32_t i = 0; i < frames; ++i) {
      Frames().Free(FrameNumber(frame.value + i));
    }
    return;
  }
  GK_ASSERT((state & kKindMask) == kSlabKind);
  unsigned c = state & kValueMask;
  uint64_t slab_mask = ~((kPage << kOrders[c]) - 1);
  auto* slab = static_cast<Slab*>(
      PhysicalToVirtual(VirtualToPhysical(block) & slab_mask));
  bool was_full = !slab->free && slab->fresh + slab->size > slab->limit;
  auto* object = static_cast<FreeObject*>(block);
  object->next = slab->free;
  slab->free = object;
  GK_ASSERT(slab->used > 0);
  if (was_full) LinkPartial(c, slab);
  if (--slab->used != 0) return;
  UnlinkPartial(c, slab);
  if (classes_[c].spare) return FreeSlab(slab);
  classes_[c].spare = slab;
}

void SlabHeap::FreeSlab(Slab* slab) {
  unsigned order = slab->order;
  CountFrames(FrameKind::kHeap, -(int64_t{1} << order));
  FreeFrames(FrameOf(slab), order);
}

size_t SlabHeap::CapacityOf(const void* block) {
  uint32_t state = Frames().state(FrameOf(block));
  uint32_t value = state & kValueMask;
  return (state & kKindMask) == kLargeKind ? value * kPage : kSizes[value];
}

}  // namespace gk
