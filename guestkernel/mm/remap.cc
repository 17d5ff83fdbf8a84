// SPDX-License-Identifier: Apache-2.0
//
// mremap(2): shrinking, growing and moving a mapping. Frames are never copied:
// entries move, whole tables and huge pages where both addresses allow it.
// Kernel only, big kernel lock held.
#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/internal.h"
#include "guestkernel/mm/limits.h"
#include "guestkernel/mm/page_table.h"

namespace gk {
namespace {

// linux/mman.h.
constexpr int kMayMove = 1, kFixed = 2, kDontUnmap = 4;

constexpr uint64_t kEnd = crvm::abi::kUserEnd;

bool Overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) {
  return a + a_size > b && b + b_size > a;
}

}  // namespace

// Makes the tables that MovePages will fill, so that it cannot fail half-way.
int AddressSpace::PrepareMove(uint64_t start, uint64_t length, uint64_t to) {
  GK_RETURN_IF_ERROR(SplitHugeEdges(start, start + length));
  bool congruent = ((start ^ to) & kHugeMask) == 0;
  int error = 0;
  ForEachDirectoryEntry(
      root_, start, start + length,
      [&](uint64_t from, uint64_t end, Pte* directory) {
        if (error) return;
        if (PteIsHuge(*directory) && !congruent) error = SplitHuge(directory);
        uint64_t target = to + (from - start), last = to + (end - 1 - start);
        for (uint64_t at : {target, last}) {
          Pte* entry = error ? nullptr : GetDirectoryEntry(root_, at);
          if (!entry) {
            error = -ENOMEM;
            return;
          }
          if (congruent && end - from == kHugeSize) {
            // A whole table or huge page goes there: no unused table is kept.
            if (*entry != 0) FreePageTable(PteFrame(*entry));
            *entry = 0;
            continue;
          }
          if (*entry == 0) error = AddTable(entry);
        }
      });
  return error;
}

// True when the TLB may know any of what was moved.
bool AddressSpace::MovePages(uint64_t start, uint64_t length, uint64_t to) {
  bool congruent = ((start ^ to) & kHugeMask) == 0, moved = false;
  ForEachDirectoryEntry(root_, start, start + length,
                        [&](uint64_t from, uint64_t end, Pte* directory) {
                          moved = true;
                          if (congruent && end - from == kHugeSize) {
                            Pte* target =
                                GetDirectoryEntry(root_, to + (from - start));
                            GK_ASSERT(*target == 0);
                            *target = *directory;
                            *directory = 0;
                            return;
                          }
                          Pte* table = TableOf(*directory);
                          for (uint64_t at = from; at < end; at += kPageSize) {
                            Pte& entry = table[TableIndex(at, 1)];
                            if (entry == 0) continue;
                            *FindPte(root_, to + (at - start)) = entry;
                            entry = 0;
                          }
                        });
  return moved;
}

Result<uint64_t> AddressSpace::MoveVma(uint64_t old_address, uint64_t old_size,
                                       uint64_t new_size, uint64_t to,
                                       bool keep_old) {
  Vma* vma = FindVma(old_address);
  if (vmas_.size() + 3 > kMaxVmas) return Error(-ENOMEM);
  UniquePtr<Vma> moved = vma->Clone();
  if (!moved) return Error(-ENOMEM);
  GK_RETURN_IF_ERROR(vmas_.Reserve(vmas_.size() + 4));
  GK_RETURN_IF_ERROR(CheckLimits(new_size >> 12, moved->flags));
  if (int error = PrepareMove(old_address, old_size, to)) {
    FreeTables(root_, to, to + new_size, to, to + new_size);
    FlushIfActive();
    return Error(error);
  }
  if (moved->object) moved->object_page = vma->PageAt(old_address);
  moved->start = to;
  moved->end = to + new_size;
  bool locked = moved->Has(kVmaLocked), writable = moved->Has(kVmaWrite);
  Insert(std::move(moved));
  if (MovePages(old_address, old_size, to)) FlushIfActive();
  if (!keep_old && old_size > 0) {
    // Cannot fail: huge pages at the edges are split, room for VMAs is there.
    int error = Unmap(old_address, old_size);
    GK_ASSERT(error == 0);
  }
  if (locked) Populate(to, new_size, writable);
  return to;
}

// The VMA may become `new_size` long. 0, or what mremap(2) gives.
int AddressSpace::CheckResize(const Vma& vma, uint64_t address,
                              uint64_t old_size, uint64_t new_size) const {
  if (old_size == 0 && !vma.shared()) return -EINVAL;
  if (old_size > vma.end - address) return -EFAULT;
  if (new_size <= old_size) return 0;
  if (vma.Has(kVmaSpecial)) return -EFAULT;
  uint64_t more = (new_size - old_size) >> 12;
  if (vma.object && vma.PageAt(address) + (new_size >> 12) < more) {
    return -EINVAL;
  }
  if (vma.Has(kVmaLocked) && !MayLockMemory() &&
      locked_pages_ + more > ProcessLimit(kLimitMemlock) >> 12) {
    return -EAGAIN;
  }
  return CheckLimits(more, vma.flags);
}

Result<uint64_t> AddressSpace::RemapTo(uint64_t old_address, uint64_t old_size,
                                       uint64_t new_size, int flags,
                                       uint64_t to) {
  if ((to & kPageMask) || to > kEnd - new_size) return Error(-EINVAL);
  if (Overlap(old_address, old_size, to, new_size)) return Error(-EINVAL);
  if (flags & kFixed) {
    if (to < 0x10000) return Error(-EPERM);
    GK_RETURN_IF_ERROR(Unmap(to, new_size));
  }
  if (old_size > new_size) {
    GK_RETURN_IF_ERROR(Unmap(old_address + new_size, old_size - new_size));
    old_size = new_size;
  }
  Vma* vma = FindVma(old_address);
  if (!vma) return Error(-EFAULT);
  GK_RETURN_IF_ERROR(CheckResize(*vma, old_address, old_size, new_size));
  if (!(flags & kFixed)) {
    MapRequest request;
    request.address = to;
    GK_ASSIGN_OR_RETURN(to, ChooseAddress(request, new_size));
  }
  return MoveVma(old_address, old_size, new_size, to, flags & kDontUnmap);
}

bool AddressSpace::GrowInPlace(Vma* vma, uint64_t address, uint64_t old_size,
                               uint64_t new_size) {
  if (vma->end - address != old_size) return false;
  uint64_t end = address + new_size;
  if (end > kEnd || end < address) return false;
  size_t next = FirstEndingAfter(vma->end);
  if (next < vmas_.size() && GuardedStart(*vmas_[next]) < end) return false;
  uint64_t grown = vma->end;
  Account(vma->flags, (end - grown) >> 12);
  vma->end = end;
  bool locked = vma->Has(kVmaLocked), writable = vma->Has(kVmaWrite);
  MergeAround(address, end);
  if (locked) Populate(grown, end - grown, writable);
  return true;
}

Result<uint64_t> AddressSpace::Remap(uint64_t old_address, uint64_t old_size,
                                     uint64_t new_size, int flags,
                                     uint64_t new_address) {
  if (flags & ~(kMayMove | kFixed | kDontUnmap)) return Error(-EINVAL);
  if ((flags & (kFixed | kDontUnmap)) && !(flags & kMayMove)) {
    return Error(-EINVAL);
  }
  if ((flags & kDontUnmap) && old_size != new_size) return Error(-EINVAL);
  if (old_address & kPageMask) return Error(-EINVAL);
  old_size = PageCeil(old_size);
  new_size = PageCeil(new_size);
  if (new_size == 0 || new_size > kEnd) return Error(-EINVAL);
  if (old_address >= kEnd || old_size > kEnd - old_address) {
    return Error(-EFAULT);
  }
  Vma* vma = FindVma(old_address);
  if (!vma) return Error(-EFAULT);
  if (flags & (kFixed | kDontUnmap)) {
    return RemapTo(old_address, old_size, new_size, flags, new_address);
  }
  if (old_size >= new_size) {
    if (old_size > new_size) {
      GK_RETURN_IF_ERROR(Unmap(old_address + new_size, old_size - new_size));
    }
    return old_address;
  }
  GK_RETURN_IF_ERROR(CheckResize(*vma, old_address, old_size, new_size));
  if (GrowInPlace(vma, old_address, old_size, new_size)) return old_address;
  if (!(flags & kMayMove)) return Error(-ENOMEM);
  uint64_t to = 0;
  if (!vma->object && new_size >= kHugeSize) {
    to = FindRoom(new_size, mmap_base, kHugeSize, old_address & kHugeMask);
  }
  if (to == 0) to = FindRoom(new_size, mmap_base, kPageSize, 0);
  if (to == 0) to = FindRoom(new_size, kEnd, kPageSize, 0);
  if (to == 0) return Error(-ENOMEM);
  return MoveVma(old_address, old_size, new_size, to, false);
}

}  // namespace gk
