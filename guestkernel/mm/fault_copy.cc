// SPDX-License-Identifier: Apache-2.0
//
// Writes to what is mapped read-only: shared mappings that are not yet dirty,
// and frames that a private mapping shares with an object or with other address
// spaces since a fork. Kernel only, big kernel lock held.
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/fault.h"

namespace gk {

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

}  // namespace gk
