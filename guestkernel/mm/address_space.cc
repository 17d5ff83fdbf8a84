// SPDX-License-Identifier: Apache-2.0
//
// Making, loading and destroying address spaces; Map and the program break.
// Kernel only, big kernel lock held.
#include "guestkernel/mm/address_space.h"

#include "guestkernel/abi/layout.h"
#include "guestkernel/arch/arch.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/mm/internal.h"
#include "guestkernel/mm/limits.h"
#include "guestkernel/mm/page_table.h"

namespace gk {
namespace {

// Where mmap starts when exec has not said: below room for the stack.
constexpr uint64_t kDefaultMmapBase = crvm::abi::kUserEnd - (256ull << 20);

constinit AddressSpace* g_active = nullptr;

}  // namespace

AddressSpace* ActiveSpace() { return g_active; }

Result<RefPtr<AddressSpace>> AddressSpace::Create() {
  RefPtr<AddressSpace> space(new (std::nothrow) AddressSpace(), AdoptRef{});
  if (!space) return Error(-ENOMEM);
  space->root_ = CreateRoot();
  if (space->root_ == 0) return Error(-ENOMEM);
  space->mmap_base = kDefaultMmapBase;
  return space;
}

AddressSpace::~AddressSpace() {
  if (root_ == 0) return;
  if (g_active == this) {
    g_active = nullptr;
    LoadAddressSpace(BootRootGpa());
  }
  for (UniquePtr<Vma>& vma : vmas_) WriteBack(*vma);
  // The objects forget this space before its tables go: what they hold is
  // referenced by the tables, too.
  RemoveVmas(0, vmas_.size());
  DestroyRoot(root_, [](Pte entry) {
    if (PteIsHuge(entry)) return ReleaseHugeFrames(entry);
    ReleaseFrame(PteFrame(entry));
  });
}

void AddressSpace::Activate() {
  g_active = this;
  LoadAddressSpace(root_);
}

Result<uint64_t> AddressSpace::Map(const MapRequest& request) {
  uint64_t length = PageCeil(request.length);
  if (request.length == 0) return Error(-EINVAL);
  if (length == 0) return Error(-ENOMEM);
  GK_ASSIGN_OR_RETURN(uint64_t at, ChooseAddress(request, length));
  if (vmas_.size() >= kMaxVmas) return Error(-ENOMEM);

  auto vma = MakeUnique<Vma>();
  if (!vma) return Error(-ENOMEM);
  vma->start = at;
  vma->end = at + length;
  vma->flags = request.flags;
  if (!vma->shared()) vma->flags |= kVmaMayWrite;
  if (lock_future_) vma->flags |= kVmaLocked;
  // The loader puts segments in their place. (Others may expect to see later
  // changes of the file, where they have not written.)
  if (request.fixed && request.object && !vma->shared() &&
      vma->Has(kVmaWrite)) {
    vma->flags |= kVmaData;
  }
  vma->object = request.object;
  vma->object_page = request.object ? request.object_page : 0;
  vma->file = request.file;
  vma->name = request.name;

  GK_RETURN_IF_ERROR(CheckLimits(length >> 12, vma->flags));
  GK_RETURN_IF_ERROR(vmas_.Reserve(vmas_.size() + 2));
  if (request.fixed) GK_RETURN_IF_ERROR(Unmap(at, length));
  bool populate = request.populate || vma->Has(kVmaLocked);
  bool write = vma->Has(kVmaWrite);
  Insert(std::move(vma));
  if (populate) {
    Populate(at, length, write);  // as Linux: failure is no error
  } else if (request.fixed) {
    PrefaultFixed(at, at + length);
  }
  return at;
}

Result<uint64_t> AddressSpace::SetBrk(uint64_t new_brk) {
  if (new_brk < brk_start_ || new_brk >= mmap_base) return brk_;
  uint64_t old_end = PageCeil(brk_), new_end = PageCeil(new_brk);
  if (new_end < old_end) {
    if (Unmap(new_end, old_end - new_end) != 0) return brk_;
  } else if (new_end > old_end) {
    uint64_t data = new_brk - brk_start_ + (end_data - start_data);
    if (data > ProcessLimit(kLimitData)) return brk_;
    // Linux keeps the stack's guard gap free above the break, too.
    size_t next = FirstEndingAfter(old_end);
    if (next < vmas_.size() && GuardedStart(*vmas_[next]) < new_end) {
      return brk_;
    }
    MapRequest request;
    request.address = old_end;
    request.length = new_end - old_end;
    request.flags = kVmaRead | kVmaWrite;
    request.fixed_noreplace = true;
    request.name = "[heap]";
    if (!Map(request).ok()) return brk_;
  }
  brk_ = new_brk;
  return brk_;
}

}  // namespace gk
