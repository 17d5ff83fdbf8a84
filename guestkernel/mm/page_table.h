// SPDX-License-Identifier: Apache-2.0
//
// The x86-64 page tables of one address space (SDM vol. 3, section 4.5), user
// half. Entries are written in place: a not-present entry may be filled without
// a TLB flush; whoever removes or reduces one flushes afterwards. Upper-level
// entries always allow everything; the last one decides. Kernel only.
#ifndef CRVM_GUESTKERNEL_MM_PAGE_TABLE_H_
#define CRVM_GUESTKERNEL_MM_PAGE_TABLE_H_

#include <cstdint>

#include "guestkernel/arch/arch.h"
#include "guestkernel/mm/frame.h"

namespace gk {

using Pte = uint64_t;

inline constexpr Pte kPtePresent = 1, kPteWrite = 2, kPteUser = 4,
                     kPteAccessed = 0x20, kPteDirty = 0x40,
                     kPteHuge = 0x80,  // in a directory: a 2 MiB page
    // Software: the frame is private to this and forked address spaces, it is
    // not a page of a memory object.
    kPteAnonymous = 1 << 9,
                     // Software, not present: mprotect(PROT_NONE) keeps the
                     // frame.
    kPteHeld = 1 << 10, kPteNoExecute = uint64_t{1} << 63,
                     kPteAddressMask = 0x000ffffffffff000;

inline constexpr uint64_t kPageSize = 4096, kPageMask = kPageSize - 1;
inline constexpr uint64_t kHugeSize = uint64_t{1} << 21,
                          kHugeMask = kHugeSize - 1;
inline constexpr unsigned kTableEntries = 512;

inline constexpr uint64_t PageFloor(uint64_t a) { return a & ~kPageMask; }
inline constexpr uint64_t PageCeil(uint64_t a) {
  return (a + kPageMask) & ~kPageMask;
}
inline constexpr uint64_t HugeFloor(uint64_t a) { return a & ~kHugeMask; }

// Is there a frame behind the entry (mapped, or held by PROT_NONE)?
inline bool PteHasFrame(Pte e) { return e & (kPtePresent | kPteHeld); }
inline FrameNumber PteFrame(Pte e) {
  return FrameNumber((e & kPteAddressMask) >> 12);
}
inline bool PteIsHuge(Pte e) { return e & kPteHuge; }
inline Pte MakePte(FrameNumber frame, Pte flags) { return frame.gpa() | flags; }
// The table that a non-huge entry of an upper level points to.
inline Pte* TableOf(Pte e) {
  return static_cast<Pte*>(PhysicalToVirtual(e & kPteAddressMask));
}
// Level 1: page table, 2: directory, 3, 4: root.
inline constexpr unsigned TableIndex(uint64_t address, int level) {
  return address >> (3 + 9 * level) & (kTableEntries - 1);
}
inline constexpr uint64_t EntrySpan(int level) {
  return uint64_t{1} << (3 + 9 * level);
}

// The directory entry of the 2 MiB around `address`; null: no directory there,
// or (creating) out of memory.
Pte* FindDirectoryEntry(uint64_t root_gpa, uint64_t address);
Pte* GetDirectoryEntry(uint64_t root_gpa, uint64_t address);
// The page-table entry, where the tables exist and the page is not huge.
Pte* FindPte(uint64_t root_gpa, uint64_t address);
// Has the page table behind the entry no entries?
bool TableIsEmpty(Pte directory_entry);
// Gives an empty directory entry a page table. 0 or -ENOMEM.
int AddTable(Pte* directory_entry);
// Replaces a huge page by 512 entries of the same meaning. 0 or -ENOMEM.
int SplitHuge(Pte* directory_entry);

// visit(from, to, directory_entry) for each non-empty directory entry that
// [start, end) touches; [from, to) is the part of the range in its 2 MiB.
template <typename Visit>
void ForEachDirectoryEntry(uint64_t root_gpa, uint64_t start, uint64_t end,
                           Visit visit) {
  uint64_t at = start;
  auto skip = [&](int level) { at = (at | (EntrySpan(level) - 1)) + 1; };
  while (at < end) {
    Pte e4 = TableOf(root_gpa)[TableIndex(at, 4)];
    if (e4 == 0) {
      skip(4);
      continue;
    }
    Pte e3 = TableOf(e4)[TableIndex(at, 3)];
    if (e3 == 0) {
      skip(3);
      continue;
    }
    Pte* directory = TableOf(e3);
    unsigned i = TableIndex(at, 2);
    do {
      uint64_t next = (at | kHugeMask) + 1;
      if (directory[i] != 0) visit(at, next < end ? next : end, &directory[i]);
      at = next;
    } while (++i < kTableEntries && at < end);
  }
}

// A new root with the kernel half of the boot root; linked into the list that
// the VMM walks (abi::kRootLinkSlot). 0: out of memory.
uint64_t CreateRoot();
// Unlinks and frees the root and all tables, calling release(entry) for each
// last-level entry with a frame. No CPU has the root loaded, so that nothing
// needs to be written (a hypervisor may be watching the tables).
void DestroyRoot(uint64_t root_gpa, void (*release)(Pte entry));
// Frees the tables that lie wholly in [low, high), where nothing is mapped, and
// that [start, end) touches. True when the TLB may know any of them.
bool FreeTables(uint64_t root_gpa, uint64_t low, uint64_t high, uint64_t start,
                uint64_t end);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_PAGE_TABLE_H_
