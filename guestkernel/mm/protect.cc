// SPDX-License-Identifier: Apache-2.0
//
// mprotect: rights of VMAs and of what they have mapped. Kernel only, big
// kernel lock held.
#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/fault.h"
#include "guestkernel/mm/internal.h"
#include "guestkernel/mm/page_table.h"

namespace gk {
namespace {

// asm-generic/mman-common.h.
constexpr uint32_t kProtSem = 8, kProtGrowsDown = 0x01000000,
                   kProtGrowsUp = 0x02000000;

// The entry for the same frame under the VMA's present rights. Write access is
// kept or, where the frame is nobody else's, given; else the next write faults.
Pte WithRightsOf(const Vma& vma, Pte entry) {
  constexpr Pte kKept = kPteAddressMask | kPteAnonymous | kPteHuge;
  bool writable = entry & kPteWrite;
  if (!writable && vma.Has(kVmaWrite)) {
    if (vma.shared()) {
      writable = !vma.object->tracks_dirty();
    } else if ((entry & kPteAnonymous) && !PteIsHuge(entry)) {
      writable = FrameRefCount(PteFrame(entry)) == 1;
    }
  }
  return (entry & kKept) | LeafFlags(vma, writable);
}

// Does the TLB hold rights that `after` no longer gives?
bool Reduces(Pte before, Pte after) {
  if (!(before & kPtePresent)) return false;
  if (!(after & kPtePresent)) return true;
  return (before & ~after & kPteWrite) || (after & ~before & kPteNoExecute);
}

}  // namespace

bool AddressSpace::ChangeRights(const Vma& vma, uint64_t start, uint64_t end) {
  bool flush = false;
  auto change = [&](Pte* entry) {
    if (!PteHasFrame(*entry)) return;
    Pte after = WithRightsOf(vma, *entry);
    flush |= Reduces(*entry, after);
    if (after != *entry) *entry = after;
  };
  ForEachDirectoryEntry(root_, start, end,
                        [&](uint64_t from, uint64_t to, Pte* directory) {
                          if (PteIsHuge(*directory)) return change(directory);
                          Pte* table = TableOf(*directory);
                          unsigned last = TableIndex(to - 1, 1);
                          for (unsigned i = TableIndex(from, 1); i <= last; ++i)
                            change(&table[i]);
                        });
  return flush;
}

// Tells the object of a shared mapping which pages the processor has marked as
// written. With `write_protect` the next write will fault; true when the TLB
// may know better.
bool AddressSpace::CollectDirty(const Vma& vma, uint64_t start, uint64_t end,
                                bool write_protect) {
  bool flush = false;
  if (!vma.shared() || !vma.object || !vma.object->tracks_dirty()) return false;
  ForEachDirectoryEntry(root_, start, end,
                        [&](uint64_t from, uint64_t to, Pte* directory) {
                          Pte* table = TableOf(*directory);
                          for (uint64_t at = from; at < to; at += kPageSize) {
                            Pte& entry = table[TableIndex(at, 1)];
                            if (!(entry & kPteWrite)) continue;
                            if (entry & kPteDirty)
                              vma.object->MarkDirty(vma.PageAt(at));
                            if (!write_protect) continue;
                            entry &= ~(kPteWrite | kPteDirty);
                            flush = true;
                          }
                        });
  return flush;
}

void AddressSpace::CollectAllDirty(uint64_t start, uint64_t end) {
  for (size_t i = FirstEndingAfter(start);
       i < vmas_.size() && vmas_[i]->start < end; ++i) {
    const Vma& vma = *vmas_[i];
    if (!vma.shared()) continue;
    CollectDirty(vma, vma.start > start ? vma.start : start,
                 vma.end < end ? vma.end : end, /*write_protect=*/false);
  }
}

// Gives [start, end), which lies in one VMA, new flags. The VMA's part becomes
// a VMA of its own; merging is the caller's.
int AddressSpace::ProtectVma(uint64_t start, uint64_t end, uint32_t flags,
                             bool* flush) {
  Vma* vma = FindVma(start);
  uint32_t old = vma->flags;
  if (old == flags) return 0;
  if ((flags & kVmaWrite) && !(old & kVmaWrite) && !(old & kVmaShared)) {
    uint64_t pages = (end - start) >> 12;
    Account(old, -static_cast<int64_t>(pages));
    int error = CheckLimits(pages, flags);
    Account(old, pages);
    if (error) return error;
  }
  GK_RETURN_IF_ERROR(SplitHugeEdges(start, end));
  GK_RETURN_IF_ERROR(SplitAt(start));
  GK_RETURN_IF_ERROR(SplitAt(end));
  vma = FindVma(start);
  Account(old, -static_cast<int64_t>(vma->pages()));
  vma->flags = flags;
  Account(flags, vma->pages());
  if ((old ^ flags) & kVmaAccess) {
    CollectAllDirty(start, end);
    *flush |= ChangeRights(*vma, start, end);
  }
  return 0;
}

int AddressSpace::Protect(uint64_t start, uint64_t length, uint32_t prot) {
  bool down = prot & kProtGrowsDown, up = prot & kProtGrowsUp;
  prot &= ~(kProtGrowsDown | kProtGrowsUp);
  if (down && up) return -EINVAL;
  if (start & kPageMask) return -EINVAL;
  if (length == 0) return 0;
  uint64_t end = start + PageCeil(length);
  if (end <= start || PageCeil(length) == 0) return -ENOMEM;
  if (prot & ~(kVmaAccess | kProtSem)) return -EINVAL;
  prot &= kVmaAccess;
  size_t i = FirstEndingAfter(start);
  if (i == vmas_.size()) return -ENOMEM;
  if (down) {
    if (vmas_[i]->start >= end) return -ENOMEM;
    if (!vmas_[i]->Has(kVmaGrowsDown)) return -EINVAL;
    start = vmas_[i]->start;
  } else if (up) {
    return -EINVAL;  // no VMA grows up
  }
  int error = 0;
  bool flush = false;
  uint64_t at = start;
  while (at < end && error == 0) {
    Vma* vma = FindVma(at);
    if (!vma) {
      error = -ENOMEM;
    } else if ((prot & kVmaWrite) && !vma->Has(kVmaMayWrite)) {
      error = -EACCES;
    } else {
      uint64_t to = vma->end < end ? vma->end : end;
      uint32_t flags = (vma->flags & ~kVmaAccess) | prot;
      error = ProtectVma(at, to, flags, &flush);
      if (error == 0) at = to;
    }
  }
  if (flush) FlushIfActive();
  MergeAround(start, at);
  return error;
}

}  // namespace gk
