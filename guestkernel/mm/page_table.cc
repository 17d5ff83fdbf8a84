// SPDX-License-Identifier: Apache-2.0
//
// See page_table.h.
#include "guestkernel/mm/page_table.h"

#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"

namespace gk {
namespace {

constexpr Pte kTableFlags = kPtePresent | kPteWrite | kPteUser | kPteAccessed;
constexpr unsigned kKernelHalf = kTableEntries / 2;

// The table below `entry`, made when absent; null: out of memory.
Pte* GetTable(Pte* entry) {
  if (*entry == 0 && AddTable(entry) != 0) return nullptr;
  return TableOf(*entry);
}

void FreeTable(Pte* entry) {
  FrameNumber frame = PteFrame(*entry);
  *entry = 0;
  FreePageTable(frame);
}

// Frees the tables below the entries of `table` (of `level`) for [start, end)
// that lie wholly in [low, high).
bool FreeTablesBelow(Pte* table, int level, uint64_t low, uint64_t high,
                     uint64_t start, uint64_t end) {
  bool freed = false;
  uint64_t span = EntrySpan(level);
  for (uint64_t at = start & ~(span - 1); at < end; at += span) {
    Pte* entry = &table[TableIndex(at, level)];
    if (*entry == 0 || PteIsHuge(*entry)) continue;
    bool whole = low <= at && at + span <= high;
    if (level > 2) {
      uint64_t from = whole || at > start ? at : start;
      uint64_t to = whole || at + span < end ? at + span : end;
      freed |= FreeTablesBelow(TableOf(*entry), level - 1, low, high, from, to);
    }
    if (whole) {
      FreeTable(entry);
      freed = true;
    }
  }
  return freed;
}

// Frees the table of `level` at `gpa` with all that its first `count` entries
// lead to.
void TearDown(uint64_t gpa, int level, unsigned count,
              void (*release)(Pte entry)) {
  const Pte* table = TableOf(gpa);
  for (unsigned i = 0; i < count; ++i) {
    Pte entry = table[i];
    if (entry == 0) continue;
    if (level == 1 || PteIsHuge(entry)) {
      release(entry);
    } else {
      TearDown(entry & kPteAddressMask, level - 1, kTableEntries, release);
    }
  }
  FreePageTable(FrameNumber(gpa >> 12));
}

// The list of roots: the boot root first, linked through kRootLinkSlot.
Pte& LinkOf(uint64_t root_gpa) {
  return TableOf(root_gpa)[crvm::abi::kRootLinkSlot];
}

}  // namespace

Pte* FindDirectoryEntry(uint64_t root_gpa, uint64_t address) {
  Pte e4 = TableOf(root_gpa)[TableIndex(address, 4)];
  if (e4 == 0) return nullptr;
  Pte e3 = TableOf(e4)[TableIndex(address, 3)];
  if (e3 == 0) return nullptr;
  return &TableOf(e3)[TableIndex(address, 2)];
}

Pte* GetDirectoryEntry(uint64_t root_gpa, uint64_t address) {
  Pte* level3 = GetTable(&TableOf(root_gpa)[TableIndex(address, 4)]);
  if (!level3) return nullptr;
  Pte* level2 = GetTable(&level3[TableIndex(address, 3)]);
  return level2 ? &level2[TableIndex(address, 2)] : nullptr;
}

Pte* FindPte(uint64_t root_gpa, uint64_t address) {
  Pte* entry = FindDirectoryEntry(root_gpa, address);
  if (!entry || *entry == 0 || PteIsHuge(*entry)) return nullptr;
  return &TableOf(*entry)[TableIndex(address, 1)];
}

bool TableIsEmpty(Pte directory_entry) {
  const Pte* table = TableOf(directory_entry);
  unsigned i = 0;
  while (i < kTableEntries && table[i] == 0) ++i;
  return i == kTableEntries;
}

int AddTable(Pte* directory_entry) {
  FrameNumber frame = AllocatePageTable();
  if (frame.is_null()) return -ENOMEM;
  *directory_entry = MakePte(frame, kTableFlags);
  return 0;
}

int SplitHuge(Pte* directory_entry) {
  Pte huge = *directory_entry;
  FrameNumber frame = AllocatePageTable();
  if (frame.is_null()) return -ENOMEM;
  Pte* table = static_cast<Pte*>(FrameData(frame));
  for (unsigned i = 0; i < kTableEntries; ++i) {
    table[i] = (huge & ~kPteHuge) + i * kPageSize;
  }
  *directory_entry = MakePte(frame, kTableFlags);
  return 0;
}

uint64_t CreateRoot() {
  FrameNumber frame = AllocatePageTable();
  if (frame.is_null()) return 0;
  uint64_t root = frame.gpa(), boot = BootRootGpa();
  StoreTableEntries(TableOf(root) + kKernelHalf, TableOf(boot) + kKernelHalf,
                    kTableEntries - kKernelHalf);
  LinkOf(root) = LinkOf(boot);
  LinkOf(boot) = root;
  return root;
}

void DestroyRoot(uint64_t root_gpa, void (*release)(Pte entry)) {
  uint64_t at = BootRootGpa();
  while (LinkOf(at) != root_gpa) {
    at = LinkOf(at);
    GK_ASSERT(at != 0);
  }
  LinkOf(at) = LinkOf(root_gpa);
  TearDown(root_gpa, 4, kKernelHalf, release);
}

bool FreeTables(uint64_t root_gpa, uint64_t low, uint64_t high, uint64_t start,
                uint64_t end) {
  // Most often the gap does not even cover one table.
  if (((low + kHugeMask) & ~kHugeMask) >= HugeFloor(high)) return false;
  return FreeTablesBelow(TableOf(root_gpa), 4, low, high, start, end);
}

}  // namespace gk
