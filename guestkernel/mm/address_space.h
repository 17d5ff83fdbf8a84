// SPDX-License-Identifier: Apache-2.0
//
// A program's memory: page-table root and VMAs. Shared by the threads of a
// process (and by vfork children). The one page-fault path is HandleFault.
// Owner: mm.
#ifndef CRVM_GUESTKERNEL_MM_ADDRESS_SPACE_H_
#define CRVM_GUESTKERNEL_MM_ADDRESS_SPACE_H_

#include <cstdint>

#include "guestkernel/arch/user_copy.h"
#include "guestkernel/fs/inode.h"  // File needs it
#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/lib/vector.h"
#include "guestkernel/mm/memory_object.h"

namespace gk {

using Pte = uint64_t;  // mm/page_table.h

// PROT_* and the flags of a VMA.
enum VmaFlags : uint32_t {
  kVmaRead = 1,
  kVmaWrite = 2,
  kVmaExec = 4,  // = PROT_READ, PROT_WRITE, PROT_EXEC
  kVmaShared = 8,
  kVmaGrowsDown = 16,
  kVmaStack = 32,
  kVmaSpecial = 64,  // vDSO/vvar: not unmapped by brk etc., not dumped
  kVmaDontFork = 128,
  kVmaWipeOnFork = 256,
  kVmaMayWrite = 512,  // mprotect may add PROT_WRITE (the file was opened for
                       // writing, or the mapping is private)
  kVmaLocked = 1024,   // mlock
  kVmaNoHuge = 2048,   // MADV_NOHUGEPAGE
  kVmaNoReserve = 4096,
  kVmaDontDump = 8192,
  kVmaData = 16384,  // a program's data segment, by the look of it
};
inline constexpr uint32_t kVmaAccess = kVmaRead | kVmaWrite | kVmaExec;
inline constexpr size_t kMaxVmas = 65530;  // vm.max_map_count

// [start, end) with one kind of content. start, end page-aligned.
class Vma {
 public:
  uint64_t start = 0, end = 0;
  uint32_t flags = 0;
  RefPtr<MemoryObject> object;  // null: private anonymous
  uint64_t object_page = 0;     // page index in `object` that `start` maps
  RefPtr<File> file;  // for /proc/PID/maps and to keep the open file alive;
                      // null for anonymous
  const char* name = nullptr;  // "[heap]", "[stack]", "[vdso]"; static storage
  class AddressSpace* space = nullptr;
  Vma* next_mapping = nullptr;  // list of MemoryObject::first_mapping
  Vma* previous_mapping = nullptr;

  uint64_t pages() const { return (end - start) >> 12; }
  bool Has(uint32_t flag) const { return flags & flag; }
  bool shared() const { return Has(kVmaShared); }
  UniquePtr<Vma> Clone() const;  // in no list; null: out of memory
  // Page of `object` at `address`.
  uint64_t PageAt(uint64_t address) const {
    return object_page + ((address - start) >> 12);
  }
};

enum class FaultResult {
  kHandled,
  kBadAddress /*SIGSEGV MAPERR*/,
  kBadAccess /*SIGSEGV ACCERR*/,
  kBusError,
  kOutOfMemory
};
struct FaultAccess {
  bool write, execute, user;
};

class AddressSpace : public RefCounted {
 public:
  static Result<RefPtr<AddressSpace>> Create();  // empty, kernel half shared
  // Copy-on-write duplicate. The pages of `hot` addresses, which both sides
  // will write at once (stack, thread control block), are copied right away.
  Result<RefPtr<AddressSpace>> Fork(const uint64_t* hot = nullptr,
                                    size_t hot_count = 0);
  ~AddressSpace() override;

  uint64_t root_gpa() const { return root_; }
  void Activate();  // LoadAddressSpace

  struct MapRequest {
    uint64_t address = 0;  // hint, or exact with `fixed`
    uint64_t length = 0;   // rounded up
    uint32_t flags = 0;    // VmaFlags
    bool fixed = false;    // replaces what is there
    bool fixed_noreplace = false;
    RefPtr<MemoryObject> object;
    uint64_t object_page = 0;
    RefPtr<File> file;
    const char* name = nullptr;
    bool populate = false;
    bool below_4g = false;  // MAP_32BIT
  };
  Result<uint64_t> Map(const MapRequest& request);  // the address
  int Unmap(uint64_t start, uint64_t length);
  int Protect(uint64_t start, uint64_t length, uint32_t prot);
  Result<uint64_t> Remap(uint64_t old_address, uint64_t old_size,
                         uint64_t new_size, int flags, uint64_t new_address);
  Result<uint64_t> SetBrk(uint64_t new_brk);  // returns the resulting break
  void InitBrk(uint64_t start) { brk_start_ = brk_ = start; }
  uint64_t brk() const { return brk_; }
  uint64_t brk_start() const { return brk_start_; }

  // madvise(2); mlock and munlock of whole pages; msync(2); mincore(2) (one
  // byte for each page from `start`).
  int Advise(uint64_t start, uint64_t length, int advice);
  int Lock(uint64_t start, uint64_t end, bool on_fault);
  int Unlock(uint64_t start, uint64_t end);
  void LockAll(bool current, bool future, bool on_fault);
  void UnlockAll();
  int SyncRange(uint64_t start, uint64_t end, bool write, bool invalidate);
  int Residency(uint64_t start, unsigned char* pages, size_t count);
  // Pages of [start, end) that are locked already.
  uint64_t LockedPagesIn(uint64_t start, uint64_t end);

  FaultResult HandleFault(uint64_t address, FaultAccess access);
  // Makes [start, start+length) present (and writable); 0 or -EFAULT/-ENOMEM.
  int Populate(uint64_t start, uint64_t length, bool write);
  // For ptrace-like access, /proc/PID/mem, process_vm_readv: bytes copied or
  // -EFAULT. Works on any address space.
  // `force`: regardless of the VMA's rights, as a debugger (/proc/PID/mem,
  // ptrace) may; private pages are copied first.
  int64_t ReadMemory(uint64_t address, void* to, size_t n, bool force = false);
  int64_t WriteMemory(uint64_t address, const void* from, size_t n,
                      bool force = false);
  // The frame behind `address`, faulted in and referenced. -EFAULT, -ENOMEM.
  Result<FrameNumber> GetFrame(uint64_t address, bool write, bool force);
  // Key of a shared futex: identifies the page behind `address` ({object,
  // index} for shared mappings, {this, address} for private).
  struct PageKey {
    const void* owner;
    uint64_t offset;
  };
  Result<PageKey> FutexKey(uint64_t address);

  Vma* FindVma(uint64_t address);  // containing it, or null
  size_t vma_count() const { return vmas_.size(); }
  Vma* vma(size_t i) { return vmas_[i].get(); }  // in address order
  uint64_t resident_pages() const { return resident_pages_; }
  uint64_t total_pages() const { return total_pages_; }
  uint64_t locked_pages() const { return locked_pages_; }
  uint64_t data_pages() const { return data_pages_; }
  uint64_t stack_pages() const { return stack_pages_; }
  uint64_t peak_resident_pages = 0;

  // Where exec put things, for /proc and prctl(PR_SET_MM).
  uint64_t start_code = 0, end_code = 0, start_data = 0, end_data = 0,
           start_stack = 0;
  uint64_t arg_start = 0, arg_end = 0, env_start = 0, env_end = 0;
  uint64_t vdso_base = 0;
  uint32_t membarrier_registered = 0;  // MEMBARRIER_CMD_REGISTER_* done
  Vector<uint8_t> auxv;
  uint64_t stack_limit = 8ull << 20;  // RLIMIT_STACK at exec
  uint64_t mmap_base = 0;             // top-down search starts here

  struct Fault;  // mm/fault.h
 private:
  friend class MemoryObject;
  AddressSpace() = default;

  // ---- the list of VMAs (vma_list.cc)
  // The first VMA that ends beyond `address`; vma_count() when none.
  size_t FirstEndingAfter(uint64_t address) const;
  bool RangeIsFree(uint64_t start, uint64_t end) const;
  // Lowest address that a mapping may come close to below `vma` (guard gap of a
  // growing stack).
  uint64_t GuardedStart(const Vma& vma) const;
  // Free room of `length` bytes at address = phase modulo alignment, highest
  // below `top`; 0: none.
  uint64_t FindRoom(uint64_t length, uint64_t top, uint64_t alignment,
                    uint64_t phase) const;
  // Puts a VMA where nothing is, merging it with its neighbours. Capacity for
  // it was reserved.
  void Insert(UniquePtr<Vma> vma);
  void Append(UniquePtr<Vma> vma);  // behind all others; never merges
  void RemoveVmas(size_t first, size_t count);
  // Merges VMA `index` with the next one when they are of one kind.
  bool MergeWithNext(size_t index);
  void MergeAround(uint64_t start, uint64_t end);
  // Makes `address` a boundary. 0 or -ENOMEM.
  int SplitAt(uint64_t address);
  void Account(uint32_t flags, int64_t pages);
  int CheckLimits(uint64_t pages, uint32_t flags) const;
  // -EEXIST, -ENOMEM, -EINVAL, or the place.
  Result<uint64_t> ChooseAddress(const MapRequest& request, uint64_t length);

  // ---- advice.cc
  template <typename Visit>
  int ForEachVma(uint64_t start, uint64_t end, Visit visit);
  int ChangeFlags(uint64_t start, uint64_t end, uint32_t set, uint32_t clear);
  int Discard(uint64_t start, uint64_t end);
  int PunchHole(const Vma& vma, uint64_t from, uint64_t to);
  int AdviseVma(Vma* vma, uint64_t from, uint64_t to, int advice);
  int AdviseFlags(uint64_t start, uint64_t end, int advice);
  int AdvisePopulate(uint64_t start, uint64_t end, bool write);

  // ---- page tables (zap.cc, protect.cc, fork.cc)
  enum class Zap { kAll, kObjectPages };
  // Removes what [start, end) maps; partly covered huge pages were split.
  // True when the TLB may know any of it.
  bool ZapRange(uint64_t start, uint64_t end, Zap what);
  Pte EntryAt(uint64_t address) const;
  bool ZapTable(Pte* table, uint64_t from, uint64_t to, Zap what);
  int SplitHugeAt(uint64_t address);
  int SplitHugeEdges(uint64_t start, uint64_t end);
  void FlushIfActive();
  static void WriteBack(const Vma& vma);
  bool FreeUnusedTables(uint64_t low, uint64_t high, uint64_t start,
                        uint64_t end);
  bool SweepTables();
  int UnmapRangeOf(size_t first, size_t last, uint64_t start, uint64_t end);
  int ProtectVma(uint64_t start, uint64_t end, uint32_t flags, bool* flush);
  bool ChangeRights(const Vma& vma, uint64_t start, uint64_t end);
  bool CollectDirty(const Vma& vma, uint64_t start, uint64_t end,
                    bool write_protect);
  void CollectAllDirty(uint64_t start, uint64_t end);
  void CopyHotPage(uint64_t address, AddressSpace* child);
  int CopyVma(const Vma& vma, AddressSpace* child, bool* flush);

  // ---- remap.cc
  int PrepareMove(uint64_t start, uint64_t length, uint64_t to);
  bool MovePages(uint64_t start, uint64_t length, uint64_t to);
  Result<uint64_t> MoveVma(uint64_t old_address, uint64_t old_size,
                           uint64_t new_size, uint64_t to, bool keep_old);
  int CheckResize(const Vma& vma, uint64_t address, uint64_t old_size,
                  uint64_t new_size) const;
  Result<uint64_t> RemapTo(uint64_t old_address, uint64_t old_size,
                           uint64_t new_size, int flags, uint64_t to);
  bool GrowInPlace(Vma* vma, uint64_t address, uint64_t old_size,
                   uint64_t new_size);

  // ---- faults (fault.cc, fault.h)
  FaultResult FaultIn(Fault& fault);
  // Finds or makes the page table. False: out of memory.
  bool WalkTo(Fault& fault);
  bool MapHugeZero(Fault& fault);
  FaultResult AnonymousFault(Fault& fault);
  void ZeroAround(Fault& fault, Pte flags);
  void PrefaultFixed(uint64_t start, uint64_t end);
  FaultResult ObjectFault(Fault& fault);
  static Pte FlagsAround(const Fault& fault);
  void MapPresentAround(Fault& fault);
  FaultResult ObjectPrivateWrite(Fault& fault);
  void CopyPresentAround(Fault& fault, Pte flags);
  FaultResult WriteProtectedFault(Fault& fault);
  bool CopyEntry(Fault& fault, unsigned index);
  void MakeExclusiveWritable(Fault& fault);
  FaultResult HugeWriteFault(Fault& fault);
  void AddResident(uint64_t pages);
  Vma* GrowStack(uint64_t address);

  uint64_t root_ = 0;
  Vector<UniquePtr<Vma>> vmas_;
  mutable size_t last_found_ = 0;  // index of FindVma's last answer
  uint64_t brk_start_ = 0, brk_ = 0;
  uint64_t resident_pages_ = 0, total_pages_ = 0;
  uint64_t data_pages_ = 0, stack_pages_ = 0, locked_pages_ = 0;
  uint64_t last_copied_page_ = 0;  // of the last copy on write
  // Where windows of zeros ended, and how large they were (fault.cc).
  static constexpr unsigned kWalks = 16, kWalkShift = 18;
  struct Walk {
    uint64_t end = 0;
    unsigned pages = 0;
  };
  Walk walks_[kWalks];
  unsigned kept_tables_ = 0;  // small unmappings since tables were looked for
  bool lock_future_ = false;  // mlockall(MCL_FUTURE)
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_ADDRESS_SPACE_H_
