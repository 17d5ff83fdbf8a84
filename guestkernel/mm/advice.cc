// SPDX-License-Identifier: Apache-2.0
//
// What programs say about ranges of their memory: madvise, mlock, msync,
// mincore, as operations on VMAs. Kernel only, big kernel lock held.
#include "guestkernel/mm/advice.h"

#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/fault.h"
#include "guestkernel/mm/page_table.h"

namespace gk {

// Calls visit(vma, from, to) for each VMA in [start, end), until it fails.
// -ENOMEM, at the end, when parts of the range are not mapped.
template <typename Visit>
int AddressSpace::ForEachVma(uint64_t start, uint64_t end, Visit visit) {
  bool hole = false;
  for (uint64_t at = start; at < end;) {
    size_t i = FirstEndingAfter(at);
    if (i == vmas_.size() || vmas_[i]->start >= end) return -ENOMEM;
    Vma* vma = vmas_[i].get();
    if (vma->start > at) {
      hole = true;
      at = vma->start;
    }
    uint64_t to = vma->end < end ? vma->end : end;
    if (int error = visit(vma, at, to)) return error;
    at = to;
  }
  return hole ? -ENOMEM : 0;
}

int AddressSpace::ChangeFlags(uint64_t start, uint64_t end, uint32_t set,
                              uint32_t clear) {
  bool flush = false;
  int error = ForEachVma(start, end, [&](Vma* vma, uint64_t from, uint64_t to) {
    return ProtectVma(from, to, (vma->flags & ~clear) | set, &flush);
  });
  MergeAround(start, end);
  return error;
}

int AddressSpace::Discard(uint64_t start, uint64_t end) {
  GK_RETURN_IF_ERROR(SplitHugeEdges(start, end));
  CollectAllDirty(start, end);
  if (ZapRange(start, end, Zap::kAll)) FlushIfActive();
  return 0;
}

// MADV_REMOVE: a hole in the object behind a shared mapping.
int AddressSpace::PunchHole(const Vma& vma, uint64_t from, uint64_t to) {
  constexpr int kKeepSize = 1, kPunchHole = 2;  // linux/falloc.h
  if (vma.Has(kVmaLocked) || !vma.object) return -EINVAL;
  if (!vma.shared() || !vma.Has(kVmaMayWrite)) return -EACCES;
  uint64_t offset = vma.PageAt(from) * kPageSize, length = to - from;
  if (vma.file) {
    return vma.file->Allocate(kKeepSize | kPunchHole, offset, length);
  }
  return vma.object->PunchHole(offset >> 12, length >> 12);
}

int AddressSpace::AdviseVma(Vma* vma, uint64_t from, uint64_t to, int advice) {
  switch (advice) {
    case kAdviseFree:
      if (vma->object) return -EINVAL;
      [[fallthrough]];
    case kAdviseDontNeed:
      if (vma->Has(kVmaLocked | kVmaSpecial)) return -EINVAL;
      return Discard(from, to);
    case kAdviseDontNeedLocked:
      return vma->Has(kVmaSpecial) ? -EINVAL : Discard(from, to);
    case kAdviseRemove:
      return PunchHole(*vma, from, to);
    case kAdviseWillNeed:
      if (vma->object) {
        vma->object->ReadAhead(vma->PageAt(from), (to - from) >> 12);
      }
      return 0;
    case kAdviseCold:
    case kAdvisePageOut:
      return vma->Has(kVmaLocked | kVmaSpecial) ? -EINVAL : 0;
    default:  // NORMAL, RANDOM, SEQUENTIAL: nothing is done differently
      return 0;
  }
}

// Advice that is kept in the VMAs' flags.
int AddressSpace::AdviseFlags(uint64_t start, uint64_t end, int advice) {
  switch (advice) {
    case kAdviseDontFork:
      return ChangeFlags(start, end, kVmaDontFork, 0);
    case kAdviseDoFork:
      return ChangeFlags(start, end, 0, kVmaDontFork);
    case kAdviseWipeOnFork: {
      bool private_anonymous = true;
      ForEachVma(start, end, [&](Vma* vma, uint64_t, uint64_t) {
        private_anonymous &= !vma->object;
        return 0;
      });
      if (!private_anonymous) return -EINVAL;
      return ChangeFlags(start, end, kVmaWipeOnFork, 0);
    }
    case kAdviseKeepOnFork:
      return ChangeFlags(start, end, 0, kVmaWipeOnFork);
    case kAdviseDontDump:
      return ChangeFlags(start, end, kVmaDontDump, 0);
    case kAdviseDoDump:
      return ChangeFlags(start, end, 0, kVmaDontDump);
    case kAdviseHugePage:
      return ChangeFlags(start, end, 0, kVmaNoHuge);
    case kAdviseNoHugePage:
      return ChangeFlags(start, end, kVmaNoHuge, 0);
  }
  return 1;  // not one of these
}

// MADV_POPULATE_*: -EINVAL for mappings without the right, -EFAULT where the
// object fails.
int AddressSpace::AdvisePopulate(uint64_t start, uint64_t end, bool write) {
  return ForEachVma(start, end, [&](Vma* vma, uint64_t from, uint64_t to) {
    uint32_t need = write ? kVmaWrite : kVmaAccess;
    if (vma->Has(kVmaSpecial) || !(vma->flags & need)) return -EINVAL;
    return Populate(from, to - from, write);
  });
}

int AddressSpace::Advise(uint64_t start, uint64_t length, int advice) {
  if (!IsKnownAdvice(advice)) return -EINVAL;
  if (start & kPageMask) return -EINVAL;
  if (length != 0 && PageCeil(length) == 0) return -EINVAL;
  uint64_t end = start + PageCeil(length);
  if (end < start) return -EINVAL;
  if (end == start) return 0;
  if (advice == kAdvisePopulateRead || advice == kAdvisePopulateWrite) {
    return AdvisePopulate(start, end, advice == kAdvisePopulateWrite);
  }
  int flags_result = AdviseFlags(start, end, advice);
  if (flags_result <= 0) return flags_result;
  return ForEachVma(start, end, [&](Vma* vma, uint64_t from, uint64_t to) {
    return AdviseVma(vma, from, to, advice);
  });
}

// ---- mlock

int AddressSpace::Lock(uint64_t start, uint64_t end, bool on_fault) {
  GK_RETURN_IF_ERROR(ChangeFlags(start, end, kVmaLocked, 0));
  if (on_fault) return 0;
  return ForEachVma(start, end, [&](Vma* vma, uint64_t from, uint64_t to) {
    if (!(vma->flags & kVmaAccess)) return -ENOMEM;
    int error =
        Populate(from, to - from, vma->Has(kVmaWrite) && !vma->shared());
    // mlock(2) knows other errors than page faults do.
    return error == -EFAULT ? -ENOMEM : error == -ENOMEM ? -EAGAIN : error;
  });
}

int AddressSpace::Unlock(uint64_t start, uint64_t end) {
  return ChangeFlags(start, end, 0, kVmaLocked);
}

void AddressSpace::LockAll(bool current, bool future, bool on_fault) {
  lock_future_ = future;
  if (!current) return;
  for (size_t i = 0; i < vmas_.size(); ++i) {
    Vma* vma = vmas_[i].get();
    if (vma->Has(kVmaSpecial)) continue;
    if (!vma->Has(kVmaLocked)) locked_pages_ += vma->pages();
    vma->flags |= kVmaLocked;
    if (on_fault || !(vma->flags & kVmaAccess)) continue;
    Populate(vma->start, vma->end - vma->start,
             vma->Has(kVmaWrite) && !vma->shared());
  }
  MergeAround(0, crvm::abi::kUserEnd);
}

void AddressSpace::UnlockAll() {
  lock_future_ = false;
  ChangeFlags(0, crvm::abi::kUserEnd, 0, kVmaLocked);
}

uint64_t AddressSpace::LockedPagesIn(uint64_t start, uint64_t end) {
  uint64_t locked = 0;
  ForEachVma(start, end, [&](Vma* vma, uint64_t from, uint64_t to) {
    if (vma->Has(kVmaLocked)) locked += (to - from) >> 12;
    return 0;
  });
  return locked;
}

// ---- msync, mincore

int AddressSpace::SyncRange(uint64_t start, uint64_t end, bool write,
                            bool invalidate) {
  return ForEachVma(
      start, end, [&](Vma* vma, uint64_t from, uint64_t to) -> int {
        if (invalidate && vma->Has(kVmaLocked)) return -EBUSY;
        if (!write || !vma->shared() || !vma->file) return 0;
        GK_RETURN_IF_ERROR(
            vma->object->Sync(vma->PageAt(from), (to - from) >> 12));
        return vma->file->Sync(true);
      });
}

int AddressSpace::Residency(uint64_t start, unsigned char* pages,
                            size_t count) {
  uint64_t end = start + count * kPageSize;
  for (uint64_t at = start; at < end; at += kPageSize) {
    Vma* vma = FindVma(at);
    if (!vma) return -ENOMEM;
    bool resident = PteHasFrame(EntryAt(at));
    if (!resident && vma->object) {
      FrameNumber frame;
      vma->object->GetPresentPages(vma->PageAt(at), 1, &frame);
      resident = !frame.is_null();
      if (resident) ReleaseFrame(frame);
    }
    *pages++ = resident;
  }
  return 0;
}

}  // namespace gk
