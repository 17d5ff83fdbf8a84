// SPDX-License-Identifier: Apache-2.0
//
// The sorted list of a program's VMAs: look-up, free room, splitting and
// merging. Does not touch page tables. Kernel only, big kernel lock held.
#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/limits.h"
#include "guestkernel/mm/page_table.h"

namespace gk {
namespace {

// Below a growing stack; Linux's stack_guard_gap.
constexpr uint64_t kStackGuard = 256 * kPageSize;
constexpr uint64_t kLowestAddress = 0x10000;  // vm.mmap_min_addr

bool CountsAsData(uint32_t flags) {
  return (flags & (kVmaWrite | kVmaShared | kVmaGrowsDown)) == kVmaWrite;
}

bool SameKind(const Vma& a, const Vma& b) {
  if (a.end != b.start || a.flags != b.flags || a.name != b.name) return false;
  if (a.Has(kVmaSpecial) || a.object != b.object.get()) return false;
  if (a.file != b.file.get()) return false;
  return !a.object || a.PageAt(a.end) == b.object_page;
}

}  // namespace

size_t AddressSpace::FirstEndingAfter(uint64_t address) const {
  const UniquePtr<Vma>* vmas = vmas_.data();
  size_t low = 0, high = vmas_.size();
  if (last_found_ < high) {
    const Vma& last = *vmas[last_found_];
    if (address >= last.start && address < last.end) return last_found_;
  }
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (vmas[middle]->end > address) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  last_found_ = low;
  return low;
}

Vma* AddressSpace::FindVma(uint64_t address) {
  size_t i = FirstEndingAfter(address);
  if (i == vmas_.size() || vmas_[i]->start > address) return nullptr;
  return vmas_[i].get();
}

bool AddressSpace::RangeIsFree(uint64_t start, uint64_t end) const {
  size_t i = FirstEndingAfter(start);
  return i == vmas_.size() || vmas_[i]->start >= end;
}

uint64_t AddressSpace::GuardedStart(const Vma& vma) const {
  if (!vma.Has(kVmaGrowsDown)) return vma.start;
  return vma.start > kStackGuard ? vma.start - kStackGuard : 0;
}

uint64_t AddressSpace::FindRoom(uint64_t length, uint64_t top,
                                uint64_t alignment, uint64_t phase) const {
  uint64_t high = top;
  for (size_t i = FirstEndingAfter(top);; --i) {
    if (i < vmas_.size()) {
      uint64_t start = GuardedStart(*vmas_[i]);
      if (start < high) high = start;
    }
    uint64_t low = i > 0 ? vmas_[i - 1]->end : kLowestAddress;
    if (high >= low && high - low >= length) {
      uint64_t at = high - length;
      uint64_t excess = (at - phase) & (alignment - 1);
      if (at - low >= excess && at >= excess) return at - excess;
    }
    if (i == 0) return 0;
  }
}

Result<uint64_t> AddressSpace::ChooseAddress(const MapRequest& request,
                                             uint64_t length) {
  constexpr uint64_t kEnd = crvm::abi::kUserEnd;
  uint64_t hint = request.address;
  if (length > kEnd) return Error(-ENOMEM);
  if (request.fixed || request.fixed_noreplace) {
    if (hint & kPageMask) return Error(-EINVAL);
    if (hint > kEnd - length) return Error(-ENOMEM);
    if (request.fixed_noreplace && !RangeIsFree(hint, hint + length)) {
      return Error(-EEXIST);
    }
    return hint;
  }
  uint64_t top = request.below_4g ? uint64_t{1} << 31 : mmap_base;
  hint = PageCeil(hint);
  if (hint >= kLowestAddress && hint <= kEnd - length &&
      (!request.below_4g || hint + length <= top)) {
    size_t i = FirstEndingAfter(hint);
    if (i == vmas_.size() || hint + length <= GuardedStart(*vmas_[i])) {
      return hint;
    }
  }
  // Large anonymous mappings start at 2 MiB, so that huge pages fit.
  bool huge = !request.object && length >= kHugeSize &&
              !(request.flags & (kVmaStack | kVmaGrowsDown));
  if (huge) {
    if (uint64_t at = FindRoom(length, top, kHugeSize, 0)) return at;
  }
  if (uint64_t at = FindRoom(length, top, kPageSize, 0)) return at;
  if (!request.below_4g) {
    if (uint64_t at = FindRoom(length, kEnd, kPageSize, 0)) return at;
  }
  return Error(-ENOMEM);
}

void AddressSpace::Account(uint32_t flags, int64_t pages) {
  total_pages_ += pages;
  if (CountsAsData(flags)) data_pages_ += pages;
  if (flags & kVmaGrowsDown) stack_pages_ += pages;
  if (flags & kVmaLocked) locked_pages_ += pages;
}

int AddressSpace::CheckLimits(uint64_t pages, uint32_t flags) const {
  if (total_pages_ + pages > ProcessLimit(kLimitAddressSpace) / kPageSize) {
    return -ENOMEM;
  }
  if (CountsAsData(flags) &&
      data_pages_ + pages > ProcessLimit(kLimitData) / kPageSize) {
    return -ENOMEM;
  }
  // Linux's heuristic overcommit refuses only what can never be had.
  bool commits =
      (flags & (kVmaWrite | kVmaShared | kVmaNoReserve)) == kVmaWrite;
  if (commits && pages > GetMemoryStatistics().total_frames) return -ENOMEM;
  return 0;
}

void AddressSpace::Insert(UniquePtr<Vma> vma) {
  size_t i = FirstEndingAfter(vma->start);
  uint64_t start = vma->start, end = vma->end;
  vma->space = this;
  Account(vma->flags, vma->pages());
  if (i > 0 && SameKind(*vmas_[i - 1], *vma)) {
    vmas_[i - 1]->end = end;
    MergeWithNext(i - 1);
    return;
  }
  if (i < vmas_.size() && SameKind(*vma, *vmas_[i])) {
    vmas_[i]->object_page = vma->object_page;
    vmas_[i]->start = start;
    return;
  }
  if (vma->object) vma->object->AddMapping(vma.get());
  int error = vmas_.Insert(i, std::move(vma));
  GK_ASSERT(error == 0);  // capacity was reserved
}

void AddressSpace::Append(UniquePtr<Vma> vma) {
  vma->space = this;
  Account(vma->flags, vma->pages());
  if (vma->object) vma->object->AddMapping(vma.get());
  int error = vmas_.PushBack(std::move(vma));
  GK_ASSERT(error == 0);  // capacity was reserved
}

void AddressSpace::RemoveVmas(size_t first, size_t count) {
  for (size_t i = first; i < first + count; ++i) {
    Vma* vma = vmas_[i].get();
    if (vma->object) vma->object->RemoveMapping(vma);
    Account(vma->flags, -static_cast<int64_t>(vma->pages()));
    vmas_[i].reset();
  }
  for (size_t i = first + count; i < vmas_.size(); ++i) {
    vmas_[i - count] = std::move(vmas_[i]);
  }
  for (size_t i = 0; i < count; ++i) vmas_.PopBack();
}

bool AddressSpace::MergeWithNext(size_t index) {
  if (index + 1 >= vmas_.size()) return false;
  Vma& a = *vmas_[index];
  Vma& b = *vmas_[index + 1];
  if (!SameKind(a, b)) return false;
  uint64_t end = b.end;
  Account(a.flags, b.pages());  // RemoveVmas takes them off
  RemoveVmas(index + 1, 1);
  a.end = end;
  return true;
}

// After VMAs in [start, end) have changed.
void AddressSpace::MergeAround(uint64_t start, uint64_t end) {
  size_t i = FirstEndingAfter(start > 0 ? start - 1 : 0);
  while (i < vmas_.size() && vmas_[i]->start <= end) {
    if (!MergeWithNext(i)) ++i;
  }
}

int AddressSpace::SplitAt(uint64_t address) {
  size_t i = FirstEndingAfter(address);
  if (i == vmas_.size() || vmas_[i]->start >= address) return 0;
  if (vmas_.size() >= kMaxVmas) return -ENOMEM;
  Vma* lower = vmas_[i].get();
  UniquePtr<Vma> upper = lower->Clone();
  if (!upper) return -ENOMEM;
  upper->object_page = lower->object ? lower->PageAt(address) : 0;
  upper->start = address;
  upper->space = this;
  Vma* added = upper.get();
  if (int error = vmas_.Insert(i + 1, std::move(upper))) return error;
  lower->end = address;
  if (added->object) added->object->AddMapping(added);
  return 0;
}

UniquePtr<Vma> Vma::Clone() const {
  auto copy = MakeUnique<Vma>();
  if (!copy) return copy;
  copy->start = start;
  copy->end = end;
  copy->flags = flags;
  copy->object = object;
  copy->object_page = object_page;
  copy->file = file;
  copy->name = name;
  return copy;
}

}  // namespace gk
