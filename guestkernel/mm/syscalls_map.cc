// SPDX-License-Identifier: Apache-2.0
//
// mmap, munmap, mprotect, mremap, brk: arguments checked and translated, in the
// order in which Linux finds errors. Arguments are the program's.
#include "guestkernel/abi/layout.h"
#include "guestkernel/fs/fd_table.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/limits.h"
#include "guestkernel/mm/page_table.h"
#include "guestkernel/mm/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {
namespace {

// asm-generic/mman-common.h, asm-generic/mman.h, asm/mman.h.
enum MapFlags : uint32_t {
  kMapShared = 0x1,
  kMapPrivate = 0x2,
  kMapSharedValidate = 0x3,
  kMapTypeMask = 0xf,
  kMapFixed = 0x10,
  kMapAnonymous = 0x20,
  kMap32Bit = 0x40,
  kMapGrowsDown = 0x100,
  kMapDenyWrite = 0x800,
  kMapExecutable = 0x1000,
  kMapLocked = 0x2000,
  kMapNoReserve = 0x4000,
  kMapPopulate = 0x8000,
  kMapNonblock = 0x10000,
  kMapStack = 0x20000,
  kMapHugeTlb = 0x40000,
  kMapFixedNoReplace = 0x100000,
  kMapUninitialized = 0x4000000,
  kMapHugeShiftMask = 0x3fu << 26,
};
// What MAP_SHARED_VALIDATE accepts (MAP_SYNC is for DAX only).
constexpr uint32_t kMapKnown =
    kMapTypeMask | kMapFixed | kMapAnonymous | kMap32Bit | kMapGrowsDown |
    kMapDenyWrite | kMapExecutable | kMapLocked | kMapNoReserve | kMapPopulate |
    kMapNonblock | kMapStack | kMapHugeTlb | kMapFixedNoReplace |
    kMapUninitialized | kMapHugeShiftMask;

constexpr uint64_t kLowestAddress = 0x10000;  // vm.mmap_min_addr

using Request = AddressSpace::MapRequest;

AddressSpace& Memory() { return *CurrentProcess()->memory; }

// MAP_ANONYMOUS: private memory has no object.
int PrepareAnonymous(uint32_t type, Request* request) {
  if (type != kMapShared && type != kMapPrivate) return -EINVAL;
  if (type == kMapPrivate) return 0;
  GK_ASSIGN_OR_RETURN(RefPtr<PageCache> object,
                      NewSharedMemory(PageCeil(request->length)));
  request->flags |= kVmaShared | kVmaMayWrite;
  request->object = std::move(object);
  request->object_page = 0;
  request->name = "/dev/zero (deleted)";
  return 0;
}

int PrepareFile(RefPtr<File> file, uint32_t type, uint32_t flags,
                uint64_t offset, Request* request) {
  constexpr uint64_t kMaxOffset = ~uint64_t{0} >> 1;
  uint64_t length = PageCeil(request->length);
  if (length > kMaxOffset || offset > kMaxOffset - length) return -EOVERFLOW;
  if (type == kMapSharedValidate) {
    if (flags & ~kMapKnown) return -EOPNOTSUPP;
    type = kMapShared;
  }
  if (type != kMapShared && type != kMapPrivate) return -EINVAL;
  if (!file->readable()) return -EACCES;
  if (type == kMapShared) {
    request->flags |= kVmaShared;
    if (file->writable()) {
      request->flags |= kVmaMayWrite;
    } else if (request->flags & kVmaWrite) {
      return -EACCES;
    }
  }
  Result<RefPtr<MemoryObject>> object = file->GetMemoryObject();
  if (!object.ok()) return object.error();
  if (!*object) {  // /dev/zero: like anonymous memory
    return type == kMapShared ? PrepareAnonymous(type, request) : 0;
  }
  request->object = object.take();
  request->object_page = offset >> 12;
  request->file = std::move(file);
  return 0;
}

int CheckLockLimit(uint64_t length) {
  if (MayLockMemory()) return 0;
  uint64_t limit = ProcessLimit(kLimitMemlock);
  if (limit == 0) return -EPERM;
  uint64_t locked = Memory().locked_pages() + (PageCeil(length) >> 12);
  return locked > limit >> 12 ? -EAGAIN : 0;
}

}  // namespace

int64_t SysMmap(const SyscallArgs& args) {
  uint64_t offset = args.U64(5);
  uint32_t prot = args.U32(2), flags = args.U32(3);
  if (offset & kPageMask) return -EINVAL;
  RefPtr<File> file;
  if (!(flags & kMapAnonymous)) {
    GK_ASSIGN_OR_RETURN(file, GetFile(args.Int(4)));
    if (flags & kMapHugeTlb) return -EINVAL;
  } else if (flags & kMapHugeTlb) {
    return -ENOMEM;  // no huge page pool
  }

  Request request;
  request.address = args.U64(0);
  request.length = args.U64(1);
  if (request.length == 0) return -EINVAL;
  if (PageCeil(request.length) == 0) return -ENOMEM;
  request.flags = prot & kVmaAccess;
  if (flags & kMapGrowsDown) request.flags |= kVmaGrowsDown;
  if (flags & kMapStack) request.flags |= kVmaStack;
  if (flags & kMapNoReserve) request.flags |= kVmaNoReserve;
  if (flags & kMapLocked) request.flags |= kVmaLocked;
  request.fixed_noreplace = flags & kMapFixedNoReplace;
  request.fixed = (flags & kMapFixed) && !request.fixed_noreplace;
  request.below_4g = flags & kMap32Bit;
  request.populate = (flags & kMapPopulate) && !(flags & kMapNonblock);
  if ((request.fixed || request.fixed_noreplace) &&
      request.address < kLowestAddress && !HasCapability(17)) {
    return -EPERM;  // CAP_SYS_RAWIO
  }
  if (flags & kMapLocked) GK_RETURN_IF_ERROR(CheckLockLimit(request.length));

  uint32_t type = flags & kMapTypeMask;
  GK_RETURN_IF_ERROR(
      file ? PrepareFile(std::move(file), type, flags, offset, &request)
           : PrepareAnonymous(type, &request));
  Result<uint64_t> address = Memory().Map(request);
  return address.ok() ? static_cast<int64_t>(*address) : address.error();
}

int64_t SysMunmap(const SyscallArgs& args) {
  return Memory().Unmap(args.U64(0), args.U64(1));
}

int64_t SysMprotect(const SyscallArgs& args) {
  return Memory().Protect(args.U64(0), args.U64(1), args.U32(2));
}

int64_t SysMremap(const SyscallArgs& args) {
  Result<uint64_t> address = Memory().Remap(
      args.U64(0), args.U64(1), args.U64(2), args.Int(3), args.U64(4));
  return address.ok() ? static_cast<int64_t>(*address) : address.error();
}

int64_t SysBrk(const SyscallArgs& args) {
  Result<uint64_t> brk = Memory().SetBrk(args.U64(0));
  return brk.ok() ? static_cast<int64_t>(*brk) : brk.error();
}

}  // namespace gk
