// SPDX-License-Identifier: Apache-2.0
//
// fork: the same VMAs, the same frames, private ones read-only on both sides.
// Kernel only, big kernel lock held.
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/string.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/internal.h"
#include "guestkernel/mm/page_table.h"

namespace gk {
namespace {

void AddHugeRefs(Pte entry) {
  uint64_t first = PteFrame(entry).value;
  for (unsigned i = 0; i < kTableEntries; ++i) {
    AddFrameRef(FrameNumber(first + i));
  }
}

// The child's entry for what `entry` maps. Private pages become read-only on
// both sides; what this space has written to a shared object is for it to tell.
Pte ShareEntry(const Vma& vma, Pte* entry, bool* flush) {
  if (vma.shared()) {
    bool tracked = vma.object && vma.object->tracks_dirty();
    return tracked ? *entry & ~kPteDirty : *entry;
  }
  if (*entry & kPteWrite) {
    *entry &= ~(kPteWrite | kPteDirty);
    *flush = true;
  }
  return *entry;
}

// Pages copied.
unsigned CopyTable(const Vma& vma, Pte* table, Pte* target, uint64_t from,
                   uint64_t to, bool* flush) {
  unsigned last = TableIndex(to - 1, 1), copied = 0;
  for (unsigned i = TableIndex(from, 1); i <= last; ++i) {
    if (!PteHasFrame(table[i])) continue;
    target[i] = ShareEntry(vma, &table[i], flush);
    AddFrameRef(PteFrame(table[i]));
    ++copied;
  }
  return copied;
}

}  // namespace

Result<RefPtr<AddressSpace>> AddressSpace::Fork(const uint64_t* hot,
                                                size_t hot_count) {
  GK_ASSIGN_OR_RETURN(RefPtr<AddressSpace> child, Create());
  GK_RETURN_IF_ERROR(child->vmas_.Reserve(vmas_.size() + 2));
  GK_RETURN_IF_ERROR(child->auxv.Resize(auxv.size()));
  for (size_t i = 0; i < auxv.size(); ++i) child->auxv[i] = auxv[i];
  child->start_code = start_code, child->end_code = end_code;
  child->start_data = start_data, child->end_data = end_data;
  child->start_stack = start_stack;
  child->arg_start = arg_start, child->arg_end = arg_end;
  child->env_start = env_start, child->env_end = env_end;
  child->vdso_base = vdso_base;
  child->membarrier_registered = membarrier_registered;
  child->stack_limit = stack_limit, child->mmap_base = mmap_base;
  child->brk_start_ = brk_start_, child->brk_ = brk_;

  bool flush = false;
  int error = 0;
  for (size_t i = 0; i < vmas_.size() && error == 0; ++i) {
    const Vma& vma = *vmas_[i];
    if (vma.Has(kVmaDontFork)) continue;
    UniquePtr<Vma> copy = vma.Clone();
    if (!copy) {
      error = -ENOMEM;
      break;
    }
    copy->flags &= ~kVmaLocked;  // locks are not inherited: fork(2)
    child->Append(std::move(copy));
    if (!vma.Has(kVmaWipeOnFork)) error = CopyVma(vma, child.get(), &flush);
  }
  for (size_t i = 0; i < hot_count && error == 0; ++i) {
    CopyHotPage(hot[i], child.get());
  }
  if (flush) FlushIfActive();
  if (error) return Error(error);
  child->peak_resident_pages = child->resident_pages_;
  return child;
}

// Before the flush of a fork: the child gets a copy, and this space its right
// to write back.
void AddressSpace::CopyHotPage(uint64_t address, AddressSpace* child) {
  Pte* mine = FindPte(root_, address);
  Pte* theirs = FindPte(child->root_, address);
  Vma* vma = FindVma(address);
  if (!mine || !theirs || !vma || vma->shared() || !vma->Has(kVmaWrite)) return;
  if (*mine != *theirs || !(*mine & kPteAnonymous)) return;
  FrameNumber frame = PteFrame(*mine);
  if ((*mine & kPteWrite) || FrameRefCount(frame) != 2) return;
  FrameNumber copy = AllocateFrame(FrameZeroing::kUndefined);
  if (copy.is_null()) return;
  memcpy(FrameData(copy), FrameData(frame), kPageSize);
  ReleaseFrame(frame);
  *mine |= kPteWrite | kPteDirty;
  *theirs = MakePte(copy, *mine & ~kPteAddressMask);
}

// The page tables of one VMA. Sets *flush when entries of this space lost the
// right to write.
int AddressSpace::CopyVma(const Vma& vma, AddressSpace* child, bool* flush) {
  int error = 0;
  ForEachDirectoryEntry(root_, vma.start, vma.end,
                        [&](uint64_t from, uint64_t to, Pte* directory) {
                          if (error) return;
                          Pte* target = GetDirectoryEntry(child->root_, from);
                          if (!target) {
                            error = -ENOMEM;
                          } else if (PteIsHuge(*directory)) {
                            *target = ShareEntry(vma, directory, flush);
                            AddHugeRefs(*target);
                            child->resident_pages_ += kTableEntries;
                          } else if (*target == 0 && AddTable(target) != 0) {
                            error = -ENOMEM;
                          } else {
                            child->resident_pages_ +=
                                CopyTable(vma, TableOf(*directory),
                                          TableOf(*target), from, to, flush);
                          }
                        });
  return error;
}

}  // namespace gk
