// SPDX-License-Identifier: Apache-2.0
//
// What all memory objects share: the list of VMAs that map one, and changes to
// those mappings. Kernel only, big kernel lock held.
#include "guestkernel/mm/memory_object.h"

#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/page_table.h"

namespace gk {
namespace {

// The addresses at which `vma` maps pages [first, first + count); empty: start
// == end.
struct Range {
  uint64_t start, end;
};
Range MappedPart(const Vma& vma, uint64_t first, uint64_t count) {
  uint64_t low = vma.object_page, high = low + vma.pages();
  uint64_t last = count > ~first ? ~uint64_t{0} : first + count;
  if (first > low) low = first;
  if (last < high) high = last;
  if (low >= high) return {0, 0};
  return {vma.start + (low - vma.object_page) * kPageSize,
          vma.start + (high - vma.object_page) * kPageSize};
}

}  // namespace

void MemoryObject::GetPresentPages(uint64_t first, size_t count,
                                   FrameNumber* frames) {
  (void)first;
  for (size_t i = 0; i < count; ++i) frames[i] = FrameNumber();
}

void MemoryObject::AddMapping(Vma* vma) {
  vma->previous_mapping = nullptr;
  vma->next_mapping = first_mapping;
  if (first_mapping) first_mapping->previous_mapping = vma;
  first_mapping = vma;
}

void MemoryObject::RemoveMapping(Vma* vma) {
  Vma*& link = vma->previous_mapping ? vma->previous_mapping->next_mapping
                                     : first_mapping;
  GK_ASSERT(link == vma);
  link = vma->next_mapping;
  if (link) link->previous_mapping = vma->previous_mapping;
  vma->next_mapping = vma->previous_mapping = nullptr;
}

void MemoryObject::UnmapRange(uint64_t first, uint64_t count,
                              bool also_private_copies) {
  using Zap = AddressSpace::Zap;
  for (Vma* vma = first_mapping; vma; vma = vma->next_mapping) {
    Range part = MappedPart(*vma, first, count);
    if (part.start == part.end) continue;
    Zap what = also_private_copies ? Zap::kAll : Zap::kObjectPages;
    vma->space->CollectDirty(*vma, part.start, part.end, false);
    if (vma->space->ZapRange(part.start, part.end, what)) {
      vma->space->FlushIfActive();
    }
  }
}

void MemoryObject::CollectDirty(uint64_t first, uint64_t count) {
  for (Vma* vma = first_mapping; vma; vma = vma->next_mapping) {
    Range part = MappedPart(*vma, first, count);
    if (part.start == part.end) continue;
    if (vma->space->CollectDirty(*vma, part.start, part.end, true)) {
      vma->space->FlushIfActive();
    }
  }
}

}  // namespace gk
