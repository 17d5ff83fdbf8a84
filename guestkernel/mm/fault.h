// SPDX-License-Identifier: Apache-2.0
//
// For mm only: one page fault on its way through fault.cc.
#ifndef CRVM_GUESTKERNEL_MM_FAULT_H_
#define CRVM_GUESTKERNEL_MM_FAULT_H_

#include <cstdint>

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

// Rights of a last-level entry of `vma`; writable only if the VMA is.
Pte LeafFlags(const Vma& vma, bool writable);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_FAULT_H_
