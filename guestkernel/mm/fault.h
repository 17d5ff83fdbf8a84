// SPDX-License-Identifier: Apache-2.0
//
// For mm only: one page fault on its way through fault*.cc.
#ifndef CRVM_GUESTKERNEL_MM_FAULT_H_
#define CRVM_GUESTKERNEL_MM_FAULT_H_

#include <cstdint>

#include "guestkernel/lib/string.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/page_table.h"

namespace gk {

struct AddressSpace::Fault {
  Vma* vma = nullptr;
  uint64_t address = 0;  // of the page
  bool write = false;
  bool hardware = false;  // the processor faulted on it: its TLB entry is gone
  bool flush = false;     // something that the TLB may know was changed
  Pte* directory = nullptr;
  Pte* table = nullptr;  // the page table, once there is one
  unsigned index = 0;    // of the page in it
};

// Pages mapped around a fault, powers of two: zeros, cached pages of an object,
// private copies.
inline constexpr unsigned kAnonymousWindow = 16, kObjectWindow = 64,
                          kCopyWindow = 16;

// The entries of `table` around fault.index, within the VMA: [first, last).
struct Window {
  unsigned first, last;
};
inline Window WindowAround(const AddressSpace::Fault& fault, unsigned pages) {
  unsigned first = fault.index & ~(pages - 1), last = first + pages;
  uint64_t below = (fault.address - fault.vma->start) >> 12;
  uint64_t above = (fault.vma->end - fault.address) >> 12;
  if (fault.index - first > below) first = fault.index - below;
  if (last - fault.index > above) last = fault.index + above;
  return {first, last};
}

// Where `pages` from the fault on end, in the table and in the VMA.
inline unsigned ForwardEnd(const AddressSpace::Fault& fault, unsigned pages) {
  unsigned last = fault.index + pages;
  uint64_t above = (fault.vma->end - fault.address) >> 12;
  if (last - fault.index > above) last = fault.index + above;
  return last < kTableEntries ? last : kTableEntries;
}

inline void CopyFrame(FrameNumber to, FrameNumber from) {
  memcpy(FrameData(to), FrameData(from), kPageSize);
}

// Rights of a last-level entry of `vma`; writable only if the VMA is.
Pte LeafFlags(const Vma& vma, bool writable);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_FAULT_H_
