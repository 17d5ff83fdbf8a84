// SPDX-License-Identifier: Apache-2.0
//
// madvise, mincore, msync, mlock*, munlock*, membarrier, pkey_*. Arguments are
// the program's.
#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/limits.h"
#include "guestkernel/mm/page_table.h"
#include "guestkernel/mm/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {
namespace {

AddressSpace& Memory() { return *CurrentProcess()->memory; }

// linux/mman.h, asm-generic/mman.h.
constexpr uint32_t kSyncAsync = 1, kSyncInvalidate = 2, kSyncSync = 4;
constexpr uint32_t kLockOnFault = 1;
constexpr uint32_t kLockCurrent = 1, kLockFuture = 2, kLockAllOnFault = 4;

// The whole pages of [start, start + length). -EINVAL when it wraps (a length
// that rounds up to 0 is none: as Linux).
struct PageRange {
  uint64_t start = 0, end = 0;
};
Result<PageRange> WholePages(uint64_t start, uint64_t length) {
  uint64_t padded = PageCeil(length + (start & kPageMask));
  PageRange range{PageFloor(start), PageFloor(start) + padded};
  if (range.end < range.start) return Error(-EINVAL);
  return range;
}

int64_t LockRange(uint64_t start, uint64_t length, bool on_fault) {
  GK_ASSIGN_OR_RETURN(PageRange range, WholePages(start, length));
  if (!MayLockMemory()) {
    uint64_t limit = ProcessLimit(kLimitMemlock);
    if (limit == 0) return -EPERM;
    uint64_t locked =
        Memory().locked_pages() + ((range.end - range.start) >> 12);
    if (locked > limit >> 12) {
      locked -= Memory().LockedPagesIn(range.start, range.end);
    }
    if (locked > limit >> 12) return -ENOMEM;
  }
  if (range.start == range.end) return 0;
  return Memory().Lock(range.start, range.end, on_fault);
}

}  // namespace

int64_t SysMadvise(const SyscallArgs& args) {
  return Memory().Advise(args.U64(0), args.U64(1), args.Int(2));
}

int64_t SysMincore(const SyscallArgs& args) {
  uint64_t start = args.U64(0), length = args.U64(1);
  if (start & kPageMask) return -EINVAL;
  if (start > crvm::abi::kUserEnd || length > crvm::abi::kUserEnd - start) {
    return -ENOMEM;
  }
  uint64_t pages = PageCeil(length) >> 12;
  unsigned char chunk[512];
  for (uint64_t done = 0; done < pages;) {
    uint64_t n = pages - done < sizeof(chunk) ? pages - done : sizeof(chunk);
    GK_RETURN_IF_ERROR(Memory().Residency(start + done * kPageSize, chunk, n));
    GK_RETURN_IF_ERROR(CopyToUser(args.User(2) + done, chunk, n));
    done += n;
  }
  return 0;
}

int64_t SysMsync(const SyscallArgs& args) {
  uint64_t start = args.U64(0), length = args.U64(1);
  uint32_t flags = args.U32(2);
  if (flags & ~(kSyncAsync | kSyncInvalidate | kSyncSync)) return -EINVAL;
  if (start & kPageMask) return -EINVAL;
  if ((flags & kSyncAsync) && (flags & kSyncSync)) return -EINVAL;
  uint64_t end = start + PageCeil(length);
  if (end < start) return -ENOMEM;
  return Memory().SyncRange(start, end, flags & kSyncSync,
                            flags & kSyncInvalidate);
}

int64_t SysMlock(const SyscallArgs& args) {
  return LockRange(args.U64(0), args.U64(1), false);
}

int64_t SysMlock2(const SyscallArgs& args) {
  if (args.U32(2) & ~kLockOnFault) return -EINVAL;
  return LockRange(args.U64(0), args.U64(1), args.U32(2) & kLockOnFault);
}

int64_t SysMunlock(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(PageRange range, WholePages(args.U64(0), args.U64(1)));
  if (range.start == range.end) return 0;
  return Memory().Unlock(range.start, range.end);
}

int64_t SysMlockall(const SyscallArgs& args) {
  uint32_t flags = args.U32(0);
  if (flags == 0 || flags == kLockAllOnFault ||
      (flags & ~(kLockCurrent | kLockFuture | kLockAllOnFault))) {
    return -EINVAL;
  }
  if (!MayLockMemory()) {
    uint64_t limit = ProcessLimit(kLimitMemlock);
    if (limit == 0) return -EPERM;
    if ((flags & kLockCurrent) && Memory().total_pages() > limit >> 12) {
      return -ENOMEM;
    }
  }
  Memory().LockAll(flags & kLockCurrent, flags & kLockFuture,
                   flags & kLockAllOnFault);
  return 0;
}

int64_t SysMunlockall(const SyscallArgs&) {
  Memory().UnlockAll();
  return 0;
}

// With one vCPU every switch between threads is a full barrier, so the commands
// have nothing to do; registration is checked as Linux does. No RSEQ commands:
// there is no rseq.
int64_t SysMembarrier(const SyscallArgs& args) {
  // linux/membarrier.h.
  constexpr int kQuery = 0, kGlobal = 1, kGlobalExpedited = 2,
                kRegisterGlobal = 4, kPrivate = 8, kRegisterPrivate = 16,
                kSyncCore = 32, kRegisterSyncCore = 64, kRegistrations = 512;
  if (args.U32(1) != 0) return -EINVAL;
  uint32_t& registered = Memory().membarrier_registered;
  switch (args.Int(0)) {
    case kQuery:
      return kGlobal | kGlobalExpedited | kRegisterGlobal | kPrivate |
             kRegisterPrivate | kSyncCore | kRegisterSyncCore | kRegistrations;
    case kGlobal:
    case kGlobalExpedited:
      return 0;
    case kRegisterGlobal:
    case kRegisterPrivate:
    case kRegisterSyncCore:
      registered |= args.U32(0);
      return 0;
    case kPrivate:
      return registered & kRegisterPrivate ? 0 : -EPERM;
    case kSyncCore:
      return registered & kRegisterSyncCore ? 0 : -EPERM;
    case kRegistrations:
      return registered;
  }
  return -EINVAL;
}

// Protection keys, as on a processor without them: pkeys(7).
int64_t SysPkeyMprotect(const SyscallArgs& args) {
  if (args.Int(3) != -1) return -EINVAL;
  return SysMprotect(args);
}
int64_t SysPkeyAlloc(const SyscallArgs& args) {
  constexpr uint64_t kKnownRights = 3;
  if (args.U64(0) != 0 || (args.U64(1) & ~kKnownRights)) return -EINVAL;
  return -ENOSPC;
}
int64_t SysPkeyFree(const SyscallArgs&) { return -EINVAL; }

}  // namespace gk
