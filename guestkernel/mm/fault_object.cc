// SPDX-License-Identifier: Apache-2.0
//
// Page faults on memory objects: files, shared memory. Any call of an object
// may unmap things, so the page tables are walked again after it. Kernel only,
// big kernel lock held.
#include "guestkernel/lib/errno.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/fault.h"
#include "guestkernel/mm/frame_internal.h"

namespace gk {
namespace {

FaultResult ResultOf(int error) {
  if (error == -ENOMEM) return FaultResult::kOutOfMemory;
  return FaultResult::kBusError;
}

}  // namespace

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

}  // namespace gk
