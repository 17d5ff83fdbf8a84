// SPDX-License-Identifier: Apache-2.0
//
// Reaching into a program's memory from outside: faulting it in beforehand,
// reading and writing it in any address space, identifying pages. Kernel only,
// big kernel lock held; addresses are checked here.
#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/string.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/fault.h"
#include "guestkernel/mm/page_table.h"

namespace gk {
namespace {

int ErrorOf(FaultResult result) {
  switch (result) {
    case FaultResult::kHandled:
      return 0;
    case FaultResult::kOutOfMemory:
      return -ENOMEM;
    default:
      return -EFAULT;
  }
}

}  // namespace

// What maps `address`; 0 when nothing does.
Pte AddressSpace::EntryAt(uint64_t address) const {
  Pte* directory = FindDirectoryEntry(root_, address);
  if (!directory || *directory == 0) return 0;
  if (PteIsHuge(*directory)) {
    return *directory + (address & kHugeMask & ~kPageMask);
  }
  return TableOf(*directory)[TableIndex(address, 1)];
}

int AddressSpace::Populate(uint64_t start, uint64_t length, bool write) {
  uint64_t end = start + length;
  if (end < start || end > crvm::abi::kUserEnd) return -ENOMEM;
  bool flush = false;
  int error = 0;
  for (uint64_t at = PageFloor(start); at < end && error == 0;
       at += kPageSize) {
    Vma* vma = FindVma(at);
    if (!vma) {
      error = -ENOMEM;
      break;
    }
    if (!(vma->flags & kVmaAccess) || (write && !vma->Has(kVmaWrite))) {
      error = -EFAULT;
      break;
    }
    Pte entry = EntryAt(at);
    if (PteHasFrame(entry) && (!write || (entry & kPteWrite))) continue;
    Fault fault{.vma = vma, .address = at, .write = write};
    error = ErrorOf(FaultIn(fault));
    flush |= fault.flush;
  }
  if (flush) FlushIfActive();
  return error;
}

Result<FrameNumber> AddressSpace::GetFrame(uint64_t address, bool write,
                                           bool force) {
  if (address >= crvm::abi::kUserEnd) return Error(-EFAULT);
  Vma* vma = FindVma(address);
  if (!vma) return Error(-EFAULT);
  if (write && !vma->Has(kVmaWrite) && !(force && !vma->shared())) {
    return Error(-EFAULT);
  }
  if (!write && !(vma->flags & kVmaAccess) && !force) return Error(-EFAULT);
  for (int attempt = 0; attempt < 2; ++attempt) {
    Pte entry = EntryAt(address);
    bool owned = (entry & kPteAnonymous) && FrameRefCount(PteFrame(entry)) == 1;
    if (PteHasFrame(entry) && (!write || (entry & kPteWrite) || owned)) {
      AddFrameRef(PteFrame(entry));
      return PteFrame(entry);
    }
    Fault fault{.vma = vma, .address = PageFloor(address), .write = write};
    int error = ErrorOf(FaultIn(fault));
    if (fault.flush) FlushIfActive();
    if (error) return Error(error);
  }
  return Error(-EFAULT);
}

int64_t AddressSpace::ReadMemory(uint64_t address, void* to, size_t n,
                                 bool force) {
  size_t done = 0;
  while (done < n) {
    uint64_t at = address + done, offset = at & kPageMask;
    size_t part = n - done < kPageSize - offset ? n - done : kPageSize - offset;
    Result<FrameNumber> frame = GetFrame(at, false, force);
    if (!frame.ok()) break;
    memcpy(static_cast<char*>(to) + done,
           static_cast<char*>(FrameData(*frame)) + offset, part);
    ReleaseFrame(*frame);
    done += part;
  }
  return done > 0 || n == 0 ? static_cast<int64_t>(done) : -EFAULT;
}

int64_t AddressSpace::WriteMemory(uint64_t address, const void* from, size_t n,
                                  bool force) {
  size_t done = 0;
  while (done < n) {
    uint64_t at = address + done, offset = at & kPageMask;
    size_t part = n - done < kPageSize - offset ? n - done : kPageSize - offset;
    Result<FrameNumber> frame = GetFrame(at, true, force);
    if (!frame.ok()) break;
    memcpy(static_cast<char*>(FrameData(*frame)) + offset,
           static_cast<const char*>(from) + done, part);
    ReleaseFrame(*frame);
    done += part;
  }
  return done > 0 || n == 0 ? static_cast<int64_t>(done) : -EFAULT;
}

Result<AddressSpace::PageKey> AddressSpace::FutexKey(uint64_t address) {
  Vma* vma = FindVma(address);
  if (!vma) return Error(-EFAULT);
  if (!vma->shared() || !vma->object) return PageKey{this, address};
  uint64_t offset = vma->PageAt(address) * kPageSize + (address & kPageMask);
  return PageKey{vma->object.get(), offset};
}

}  // namespace gk
