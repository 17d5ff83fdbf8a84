// SPDX-License-Identifier: Apache-2.0
//
// The page-fault path. A fault costs tens of microseconds on interpreting
// hosts, so each one maps more than was asked for: 2 MiB of anonymous memory
// where a mapping covers it, else a window of pages around the address. Filling
// an empty entry needs no TLB flush; the processor itself has dropped what it
// knew of the page that faulted (SDM vol. 3, section 4.10.4.1). Kernel only,
// big kernel lock held; addresses are the program's and checked here. Here:
// the entry, anonymous memory, stacks; fault_object.cc: pages of objects;
// fault_copy.cc: copy-on-write.
#include "guestkernel/mm/fault.h"

#include "guestkernel/abi/layout.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/frame_internal.h"
#include "guestkernel/mm/internal.h"
#include "guestkernel/mm/limits.h"
#include "guestkernel/mm/page_cache_stats.h"

namespace gk {
namespace {

// Zeros at a time, at most,
// for a program that walks.
constexpr unsigned kLargestWindow = 128;

}  // namespace

Pte LeafFlags(const Vma& vma, bool writable) {
  Pte flags = kPteUser | kPteAccessed;
  flags |= vma.flags & kVmaAccess ? kPtePresent : kPteHeld;
  if (!vma.Has(kVmaExec)) flags |= kPteNoExecute;
  if (writable && vma.Has(kVmaWrite)) flags |= kPteWrite | kPteDirty;
  return flags;
}

FaultResult AddressSpace::HandleFault(uint64_t address, FaultAccess access) {
  if (address >= crvm::abi::kUserEnd) return FaultResult::kBadAddress;
  Vma* vma = FindVma(address);
  if (!vma) {
    vma = GrowStack(address);
    if (!vma) return FaultResult::kBadAddress;
  }
  uint32_t need = access.write     ? kVmaWrite
                  : access.execute ? kVmaExec
                                   : kVmaAccess;
  if (!(vma->flags & need)) return FaultResult::kBadAccess;
  uint64_t reads = PageReads();
  Fault fault{.vma = vma, .address = PageFloor(address), .write = access.write};
  fault.hardware = true;
  FaultResult result = FaultIn(fault);
  if (fault.flush) FlushIfActive();
  CountFault(PageReads() != reads);
  return result;
}

bool AddressSpace::WalkTo(Fault& fault) {
  fault.index = TableIndex(fault.address, 1);
  fault.directory = GetDirectoryEntry(root_, fault.address);
  if (!fault.directory) return false;
  if (*fault.directory == 0 && AddTable(fault.directory) != 0) return false;
  fault.table = TableOf(*fault.directory);
  return true;
}

FaultResult AddressSpace::FaultIn(Fault& fault) {
  fault.directory = GetDirectoryEntry(root_, fault.address);
  if (!fault.directory) return FaultResult::kOutOfMemory;
  Pte directory = *fault.directory;
  if (directory == 0 || !PteIsHuge(directory)) {
    if (MapHugeZero(fault)) return FaultResult::kHandled;
  } else {
    if (!fault.write || (directory & kPteWrite)) return FaultResult::kHandled;
    return HugeWriteFault(fault);
  }
  if (!WalkTo(fault)) return FaultResult::kOutOfMemory;
  Pte entry = fault.table[fault.index];
  if (PteHasFrame(entry)) {
    if (!fault.write || (entry & kPteWrite)) return FaultResult::kHandled;
    return WriteProtectedFault(fault);
  }
  if (!fault.vma->object) return AnonymousFault(fault);
  // Nearly all pages of a data segment are written sooner or later: what is
  // read there is copied at once, before it costs another fault.
  bool copy = fault.write ? !fault.vma->shared() : fault.vma->Has(kVmaData);
  if (copy) return ObjectPrivateWrite(fault);
  return ObjectFault(fault);
}

void AddressSpace::AddResident(uint64_t pages) {
  resident_pages_ += pages;
  if (resident_pages_ > peak_resident_pages) {
    peak_resident_pages = resident_pages_;
  }
}

// ---- anonymous memory

bool AddressSpace::MapHugeZero(Fault& fault) {
  const Vma& vma = *fault.vma;
  uint64_t block = HugeFloor(fault.address);
  constexpr uint32_t kNever = kVmaStack | kVmaGrowsDown | kVmaNoHuge;
  if (vma.object || (vma.flags & kNever) || !vma.Has(kVmaWrite)) return false;
  if (block < vma.start || vma.end - block < kHugeSize) return false;
  if (*fault.directory != 0 && !TableIsEmpty(*fault.directory)) return false;
  if (!MemoryIsPlentiful()) return false;
  FrameNumber first = AllocateHugePage(FrameZeroing::kZeroed);
  if (first.is_null()) return false;
  if (*fault.directory != 0) {  // left by an earlier mapping
    FreePageTable(PteFrame(*fault.directory));
    fault.flush = true;
  }
  *fault.directory =
      MakePte(first, LeafFlags(vma, true) | kPteHuge | kPteAnonymous);
  AddResident(kTableEntries);
  return true;
}

FaultResult AddressSpace::AnonymousFault(Fault& fault) {
  Pte flags = LeafFlags(*fault.vma, true) | kPteAnonymous;
  FrameNumber frame = AllocateFrame(FrameZeroing::kZeroed);
  if (frame.is_null()) return FaultResult::kOutOfMemory;
  // Asking the caches for memory may have unmapped things.
  if (!WalkTo(fault)) {
    ReleaseFrame(frame);
    return FaultResult::kOutOfMemory;
  }
  fault.table[fault.index] = MakePte(frame, flags);
  AddResident(1);
  if (MemoryIsPlentiful()) ZeroAround(fault, flags);
  return FaultResult::kHandled;
}

// Fills what is empty around the page, more of it each time that a program goes
// on where a window ended. (Several such walks go on at once in a garbage
// collector's spaces: they are told apart by address.)
void AddressSpace::ZeroAround(Fault& fault, Pte flags) {
  Window window = WindowAround(fault, kAnonymousWindow);
  auto walk_at = [&](uint64_t end) -> Walk& {
    return walks_[(end - 1) >> kWalkShift & (kWalks - 1)];
  };
  unsigned pages = kAnonymousWindow;
  if (const Walk& walk = walk_at(fault.address); walk.end == fault.address) {
    pages = walk.pages < kLargestWindow ? walk.pages * 4 : kLargestWindow;
    if (pages > kLargestWindow) pages = kLargestWindow;
    window.last = ForwardEnd(fault, pages);
  }
  unsigned added = 0;
  for (unsigned i = window.first; i < window.last; ++i) {
    if (fault.table[i] != 0) continue;
    FrameNumber frame =
        Frames().Allocate(FrameUse::kData, FrameZeroing::kZeroed);
    if (frame.is_null()) break;
    fault.table[i] = MakePte(frame, flags);
    ++added;
  }
  AddResident(added);
  uint64_t end =
      fault.address + (uint64_t{window.last} - fault.index) * kPageSize;
  walk_at(end) = Walk{end, pages};
}

// ---- stacks

Vma* AddressSpace::GrowStack(uint64_t address) {
  constexpr uint64_t kGuard = 256 * kPageSize;
  constexpr uint64_t kStep = 16 * kPageSize;  // so that faults need not be one
                                              // for each page
  size_t i = FirstEndingAfter(address);
  if (i == vmas_.size() || !vmas_[i]->Has(kVmaGrowsDown)) return nullptr;
  Vma* vma = vmas_[i].get();
  uint64_t lowest = 16 * kPageSize;
  if (i > 0) {
    const Vma& below = *vmas_[i - 1];
    bool guarded = (below.flags & kVmaAccess) && !below.Has(kVmaGrowsDown);
    if (below.end + (guarded ? kGuard : 0) > lowest) {
      lowest = below.end + (guarded ? kGuard : 0);
    }
  }
  uint64_t limit = ProcessLimit(kLimitStack);
  if (limit < vma->end && vma->end - limit > lowest) lowest = vma->end - limit;
  uint64_t start = PageFloor(address);
  if (start < lowest) return nullptr;
  uint64_t stepped = start & ~(kStep - 1);
  if (stepped >= PageCeil(lowest)) start = stepped;
  uint64_t pages = (vma->start - start) >> 12;
  if (CheckLimits(pages, vma->flags) != 0) return nullptr;
  if (vma->object) vma->object_page -= pages;
  vma->start = start;
  Account(vma->flags, pages);
  return vma;
}

}  // namespace gk
