// SPDX-License-Identifier: Apache-2.0
//
// The page-fault path. A fault costs tens of microseconds on interpreting
// hosts, so each one maps more than was asked for: 2 MiB of anonymous memory
// where a mapping covers it, else a window of pages around the address. Filling
// an empty entry needs no TLB flush; the processor itself has dropped what it
// knew of the page that faulted (SDM vol. 3, section 4.10.4.1). Kernel only,
// big kernel lock held; addresses are the program's and checked here.
#include "guestkernel/mm/fault.h"

#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/string.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/frame_internal.h"
#include "guestkernel/mm/internal.h"
#include "guestkernel/mm/limits.h"
#include "guestkernel/mm/page_cache_stats.h"

namespace gk {
namespace {

// Pages mapped around a fault, powers of two.
constexpr unsigned kAnonymousWindow = 16;
constexpr unsigned kLargestWindow = 128;  // for a program that walks
constexpr unsigned kObjectWindow = 64;
constexpr unsigned kCopyWindow = 16;

// The entries of `table` around fault.index, within the VMA: [first, last).
struct Window {
  unsigned first, last;
};
Window WindowAround(const AddressSpace::Fault& fault, unsigned pages) {
  unsigned first = fault.index & ~(pages - 1), last = first + pages;
  uint64_t below = (fault.address - fault.vma->start) >> 12;
  uint64_t above = (fault.vma->end - fault.address) >> 12;
  if (fault.index - first > below) first = fault.index - below;
  if (last - fault.index > above) last = fault.index + above;
  return {first, last};
}

// Where `pages` from the fault on end, in the table and in the VMA.
unsigned ForwardEnd(const AddressSpace::Fault& fault, unsigned pages) {
  unsigned last = fault.index + pages;
  uint64_t above = (fault.vma->end - fault.address) >> 12;
  if (last - fault.index > above) last = fault.index + above;
  return last < kTableEntries ? last : kTableEntries;
}

FaultResult ResultOf(int error) {
  if (error == -ENOMEM) return FaultResult::kOutOfMemory;
  return FaultResult::kBusError;
}

void CopyFrame(FrameNumber to, FrameNumber from) {
  memcpy(FrameData(to), FrameData(from), kPageSize);
}

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

// ---- memory objects

// A read, or a write to a shared mapping, of a page that is not mapped.
FaultResult AddressSpace::ObjectFault(Fault& fault) {
  const Vma& vma = *fault.vma;
  MemoryObject* object = vma.object.get();
  uint64_t page = vma.PageAt(fault.address);
  Result<FrameNumber> frame = object->GetPage(page, fault.write);
  if (!frame.ok()) return ResultOf(frame.error());
  if (fault.write) object->MarkDirty(page);
  bool all_writable = vma.shared() && !object->tracks_dirty();
  if (!WalkTo(fault) || fault.table[fault.index] != 0) {  // GetPage may unmap
    ReleaseFrame(*frame);
    return fault.table ? FaultResult::kHandled : FaultResult::kOutOfMemory;
  }
  fault.table[fault.index] =
      MakePte(*frame, LeafFlags(vma, fault.write || all_writable));
  AddResident(1);
  // Memory without a backing: absent pages cost no I/O either.
  if (all_writable && MemoryIsPlentiful()) {
    Window window = WindowAround(fault, kAnonymousWindow);
    object->CreatePages(page - (fault.index - window.first),
                        window.last - window.first);
  }
  MapPresentAround(fault);
  return FaultResult::kHandled;
}

// The rights of object pages around a page that faulted. Where dirty pages are
// tracked and one is written, its neighbours may be, too: the processor's dirty
// bit will tell (CollectDirty).
Pte AddressSpace::FlagsAround(const Fault& fault) {
  const Vma& vma = *fault.vma;
  if (!vma.shared()) return LeafFlags(vma, false);
  if (!vma.object->tracks_dirty()) return LeafFlags(vma, true);
  return LeafFlags(vma, fault.write) & ~kPteDirty;
}

// Maps what the object has at hand around the page that was just mapped.
void AddressSpace::MapPresentAround(Fault& fault) {
  const Vma& vma = *fault.vma;
  Window window = WindowAround(fault, kObjectWindow);
  FrameNumber frames[kObjectWindow];
  unsigned count = window.last - window.first;
  if (count <= 1) return;
  uint64_t first_page =
      vma.PageAt(fault.address) - (fault.index - window.first);
  vma.object->GetPresentPages(first_page, count, frames);
  Pte flags = FlagsAround(fault);
  unsigned added = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (frames[i].is_null()) continue;
    Pte& entry = fault.table[window.first + i];
    if (entry != 0) {
      ReleaseFrame(frames[i]);
      continue;
    }
    entry = MakePte(frames[i], flags);
    ++added;
  }
  AddResident(added);
}

// What the loader puts in its place (MAP_FIXED) will be used: maps what needs
// no I/O, before the program faults on it.
void AddressSpace::PrefaultFixed(uint64_t start, uint64_t end) {
  constexpr uint64_t kCode = 512, kData = 32, kZeroed = 64;  // pages
  Vma* vma = FindVma(start);
  if (!(vma->flags & kVmaAccess) || vma->shared() || !MemoryIsPlentiful()) {
    return;
  }
  bool writable = vma->Has(kVmaWrite);
  uint64_t pages = (end - start) >> 12;
  if (writable && vma->object && !vma->Has(kVmaData)) return;
  if (!vma->object) {
    if (pages > kZeroed || !writable) return;
    Fault fault{.vma = vma, .address = start, .write = true};
    FaultIn(fault);
    return;
  }
  uint64_t most = writable ? kData : kCode;
  if (pages > most) end = start + most * kPageSize;
  unsigned window = writable ? kCopyWindow : kObjectWindow;
  Pte flags = LeafFlags(*vma, true) | kPteAnonymous;
  for (uint64_t at = start; at < end;) {
    Fault fault{.vma = vma, .address = at};
    if (!WalkTo(fault)) return;
    if (writable) {
      CopyPresentAround(fault, flags);
    } else {
      MapPresentAround(fault);
    }
    at += (window - (fault.index & (window - 1))) * kPageSize;
  }
}

// Copies the page; in a data segment, its neighbours that the object has at
// hand too.
FaultResult AddressSpace::ObjectPrivateWrite(Fault& fault) {
  const Vma& vma = *fault.vma;
  Result<FrameNumber> from =
      vma.object->GetPage(vma.PageAt(fault.address), false);
  if (!from.ok()) return ResultOf(from.error());
  FrameNumber frame = AllocateFrame(FrameZeroing::kUndefined);
  if (!frame.is_null()) CopyFrame(frame, *from);
  ReleaseFrame(*from);
  if (frame.is_null()) return FaultResult::kOutOfMemory;
  if (!WalkTo(fault) || fault.table[fault.index] != 0) {
    ReleaseFrame(frame);
    return fault.table ? FaultResult::kHandled : FaultResult::kOutOfMemory;
  }
  Pte flags = LeafFlags(vma, true) | kPteAnonymous;
  fault.table[fault.index] = MakePte(frame, flags);
  AddResident(1);
  // Its neighbours too, where they will be written as well, by all appearance.
  uint64_t previous = last_copied_page_;
  last_copied_page_ = fault.address >> 12;
  bool more = last_copied_page_ == previous + 1 || vma.Has(kVmaData);
  if (more && MemoryIsPlentiful()) CopyPresentAround(fault, flags);
  return FaultResult::kHandled;
}

void AddressSpace::CopyPresentAround(Fault& fault, Pte flags) {
  const Vma& vma = *fault.vma;
  Window window = WindowAround(fault, kCopyWindow);
  FrameNumber frames[kCopyWindow];
  unsigned count = window.last - window.first;
  if (count <= 1) return;
  uint64_t first_page =
      vma.PageAt(fault.address) - (fault.index - window.first);
  vma.object->GetPresentPages(first_page, count, frames);
  unsigned added = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (frames[i].is_null()) continue;
    Pte& entry = fault.table[window.first + i];
    FrameNumber copy;
    if (entry == 0) {
      copy = Frames().Allocate(FrameUse::kData, FrameZeroing::kUndefined);
    }
    if (!copy.is_null()) {
      CopyFrame(copy, frames[i]);
      entry = MakePte(copy, flags);
      last_copied_page_ =
          (fault.address >> 12) + (window.first + i) - fault.index;
      ++added;
    }
    ReleaseFrame(frames[i]);
  }
  AddResident(added);
}

// ---- writes to what is mapped read-only

// Is the frame behind a private mapping's entry nobody else's?
static bool IsExclusive(Pte entry) {
  return (entry & kPteAnonymous) && FrameRefCount(PteFrame(entry)) == 1;
}

FaultResult AddressSpace::WriteProtectedFault(Fault& fault) {
  const Vma& vma = *fault.vma;
  Pte* entry = &fault.table[fault.index];
  if (vma.shared()) {
    vma.object->MarkDirty(vma.PageAt(fault.address));
    *entry = (*entry & kPteAddressMask) | LeafFlags(vma, true);
    Window window = WindowAround(fault, kObjectWindow);
    for (unsigned i = window.first; i < window.last; ++i) {
      Pte& other = fault.table[i];
      if ((other & kPtePresent) && !(other & kPteWrite)) {
        other = (other & kPteAddressMask) | FlagsAround(fault);
      }
    }
    return FaultResult::kHandled;
  }
  if (IsExclusive(*entry)) {
    MakeExclusiveWritable(fault);
    return FaultResult::kHandled;
  }
  // One page, unless the program is walking or relocating data: then the next
  // ones too, for the price of a TLB flush.
  uint64_t page = fault.address >> 12;
  unsigned last = fault.index + 1;
  bool more = page == last_copied_page_ + 1 || vma.Has(kVmaData);
  if (more && MemoryIsPlentiful()) {
    last = WindowAround(fault, kCopyWindow).last;
  }
  for (unsigned i = fault.index; i < last; ++i) {
    if (!CopyEntry(fault, i)) {
      if (i == fault.index) return FaultResult::kOutOfMemory;
      break;
    }
    last_copied_page_ = page + (i - fault.index);
  }
  return FaultResult::kHandled;
}

// Gives entry `i` of a private mapping its own copy, where it maps something
// shared. False: out of memory.
bool AddressSpace::CopyEntry(Fault& fault, unsigned i) {
  Pte* entry = &fault.table[i];
  if (!PteHasFrame(*entry) || (*entry & kPteWrite)) return true;
  Pte flags = LeafFlags(*fault.vma, true) | kPteAnonymous;
  if (IsExclusive(*entry)) {
    *entry = (*entry & kPteAddressMask) | flags;
    return true;
  }
  FrameNumber from = PteFrame(*entry);
  AddFrameRef(from);  // making room may unmap it
  FrameNumber copy = AllocateFrame(FrameZeroing::kUndefined);
  if (!copy.is_null()) {
    CopyFrame(copy, from);
    if (PteHasFrame(*entry)) {
      ReleaseFrame(PteFrame(*entry));
    } else {
      AddResident(1);
    }
    *entry = MakePte(copy, flags);
    if (i != fault.index || !fault.hardware) fault.flush = true;
  }
  ReleaseFrame(from);
  return !copy.is_null();
}

// After a fork whose child has gone, all that it shared is exclusive again:
// one fault restores a whole table's worth.
void AddressSpace::MakeExclusiveWritable(Fault& fault) {
  Window window = WindowAround(fault, kTableEntries);
  Pte rights = LeafFlags(*fault.vma, true);
  for (unsigned i = window.first; i < window.last; ++i) {
    Pte entry = fault.table[i];
    if (!(entry & kPtePresent) || (entry & kPteWrite)) continue;
    if (IsExclusive(entry)) fault.table[i] = entry | rights;
  }
}

FaultResult AddressSpace::HugeWriteFault(Fault& fault) {
  uint64_t first = PteFrame(*fault.directory).value;
  bool exclusive = true;
  for (unsigned i = 0; exclusive && i < kTableEntries; ++i) {
    exclusive = FrameRefCount(FrameNumber(first + i)) == 1;
  }
  if (exclusive) {
    *fault.directory |= LeafFlags(*fault.vma, true);
    return FaultResult::kHandled;
  }
  if (SplitHuge(fault.directory) != 0) return FaultResult::kOutOfMemory;
  fault.flush = true;
  if (!WalkTo(fault)) return FaultResult::kOutOfMemory;
  return WriteProtectedFault(fault);
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
