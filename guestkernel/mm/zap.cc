// SPDX-License-Identifier: Apache-2.0
//
// Taking mappings out of page tables, and Unmap. Frames go at once: nothing
// runs between that and the TLB flush at the end of each operation. Kernel
// only, big kernel lock held.
#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/internal.h"
#include "guestkernel/mm/page_table.h"

namespace gk {

void ReleaseHugeFrames(Pte entry) {
  uint64_t first = PteFrame(entry).value;
  for (unsigned i = 0; i < kTableEntries; ++i) {
    ReleaseFrame(FrameNumber(first + i));
  }
}

void AddressSpace::FlushIfActive() {
  if (ActiveSpace() == this) FlushTlb();
}

int AddressSpace::SplitHugeAt(uint64_t address) {
  if ((address & kHugeMask) == 0) return 0;
  Pte* entry = FindDirectoryEntry(root_, address);
  if (!entry || !PteHasFrame(*entry) || !PteIsHuge(*entry)) return 0;
  return SplitHuge(entry);
}

int AddressSpace::SplitHugeEdges(uint64_t start, uint64_t end) {
  GK_RETURN_IF_ERROR(SplitHugeAt(start));
  return SplitHugeAt(end);
}

// [from, to) of one page table. True when one of them was present.
bool AddressSpace::ZapTable(Pte* table, uint64_t from, uint64_t to, Zap what) {
  bool present = false;
  Pte* last = table + TableIndex(to - 1, 1);
  for (Pte* at = table + TableIndex(from, 1); at <= last; ++at) {
    Pte entry = *at;
    if (entry == 0) continue;
    if (what == Zap::kObjectPages && (entry & kPteAnonymous)) continue;
    *at = 0;
    present |= entry & kPtePresent;
    --resident_pages_;
    ReleaseFrame(PteFrame(entry));
  }
  return present;
}

bool AddressSpace::ZapRange(uint64_t start, uint64_t end, Zap what) {
  bool flush = false;
  ForEachDirectoryEntry(root_, start, end,
                        [&](uint64_t from, uint64_t to, Pte* entry) {
                          bool whole = to - from == kHugeSize;
                          if (PteIsHuge(*entry)) {
                            if (what == Zap::kObjectPages) return;
                            GK_ASSERT(whole);
                            flush |= *entry & kPtePresent;
                            ReleaseHugeFrames(*entry);
                            resident_pages_ -= kTableEntries;
                            *entry = 0;
                            return;
                          }
                          flush |= ZapTable(TableOf(*entry), from, to, what);
                          if (!whole || what != Zap::kAll) return;
                          // Empty now: room for a huge page.
                          FreePageTable(PteFrame(*entry));
                          *entry = 0;
                          flush = true;
                        });
  return flush;
}

// Tables in [low, high), where nothing is mapped any more. Those of small
// ranges are kept for a while: what was mapped there comes back there, often,
// and changing the upper levels is dear under shadow paging.
bool AddressSpace::FreeUnusedTables(uint64_t low, uint64_t high, uint64_t start,
                                    uint64_t end) {
  constexpr unsigned kKeep = 256;
  if (end - start >= kHugeSize) {
    return FreeTables(root_, low, high, start, end);
  }
  if (((low + kHugeMask) & ~kHugeMask) >= HugeFloor(high)) return false;
  if (++kept_tables_ < kKeep) return false;
  kept_tables_ = 0;
  return SweepTables();
}

// Frees all unused tables (VMAs that are just being removed count as there).
bool AddressSpace::SweepTables() {
  bool freed = false;
  uint64_t low = 0;
  for (size_t i = 0; i <= vmas_.size(); ++i) {
    uint64_t high = i < vmas_.size() ? vmas_[i]->start : crvm::abi::kUserEnd;
    if (high > low) freed |= FreeTables(root_, low, high, low, high);
    if (i < vmas_.size()) low = vmas_[i]->end;
  }
  return freed;
}

// Removes VMAs [first, last), which lie in [start, end) wholly.
int AddressSpace::UnmapRangeOf(size_t first, size_t last, uint64_t start,
                               uint64_t end) {
  uint64_t from = vmas_[first]->start, to = vmas_[last - 1]->end;
  GK_ASSERT(from >= start && to <= end);
  CollectAllDirty(from, to);
  bool flush = ZapRange(from, to, Zap::kAll);
  uint64_t low = first > 0 ? vmas_[first - 1]->end : 0;
  uint64_t high =
      last < vmas_.size() ? vmas_[last]->start : crvm::abi::kUserEnd;
  flush |= FreeUnusedTables(low, high, from, to);
  if (flush) FlushIfActive();
  for (size_t i = first; i < last; ++i) WriteBack(*vmas_[i]);
  RemoveVmas(first, last - first);
  return 0;
}

// A shared mapping is about to go, and with it, perhaps, the last open file
// that its pages can be written through.
void AddressSpace::WriteBack(const Vma& vma) {
  if (!vma.file || !vma.shared() || !vma.Has(kVmaMayWrite)) return;
  if (int error = vma.object->Sync(vma.object_page, vma.pages())) {
    Log(LogLevel::kError, "a mapped file cannot be written: error %d", error);
  }
}

int AddressSpace::Unmap(uint64_t start, uint64_t length) {
  constexpr uint64_t kEnd = crvm::abi::kUserEnd;
  if ((start & kPageMask) || length == 0 || start > kEnd ||
      length > kEnd - start) {
    return -EINVAL;
  }
  uint64_t end = start + PageCeil(length);
  size_t first = FirstEndingAfter(start);
  if (first == vmas_.size() || vmas_[first]->start >= end) return 0;
  GK_RETURN_IF_ERROR(SplitHugeEdges(start, end));
  if (vmas_[first]->start < start) {
    GK_RETURN_IF_ERROR(SplitAt(start));
    ++first;
  }
  if (int error = SplitAt(end)) {
    MergeAround(start, start);
    return error;
  }
  size_t last = first;
  while (last < vmas_.size() && vmas_[last]->end <= end) ++last;
  if (first == last) return 0;
  return UnmapRangeOf(first, last, start, end);
}

}  // namespace gk
