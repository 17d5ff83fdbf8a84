// SPDX-License-Identifier: Apache-2.0
//
// A program's memory: page-table root and VMAs. Shared by the threads of a
// process (and by vfork children). The one page-fault path is HandleFault.
// Owner: mm.
#ifndef CRVM_GUESTKERNEL_MM_ADDRESS_SPACE_H_
#define CRVM_GUESTKERNEL_MM_ADDRESS_SPACE_H_

#include <cstdint>

#include "guestkernel/arch/user_copy.h"
#include "guestkernel/fs/file.h"
#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/lib/vector.h"
#include "guestkernel/mm/memory_object.h"

namespace gk {

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
};

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
  Result<RefPtr<AddressSpace>> Fork();           // copy-on-write duplicate
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

  FaultResult HandleFault(uint64_t address, FaultAccess access);
  // Makes [start, start+length) present (and writable); 0 or -EFAULT/-ENOMEM.
  int Populate(uint64_t start, uint64_t length, bool write);
  // For ptrace-like access, /proc/PID/mem, process_vm_readv: bytes copied or
  // -EFAULT. Works on any address space.
  int64_t ReadMemory(uint64_t address, void* to, size_t n);
  int64_t WriteMemory(uint64_t address, const void* from, size_t n);
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
  uint64_t peak_resident_pages = 0;

  // Where exec put things, for /proc and prctl(PR_SET_MM).
  uint64_t start_code = 0, end_code = 0, start_data = 0, end_data = 0,
           start_stack = 0;
  uint64_t arg_start = 0, arg_end = 0, env_start = 0, env_end = 0;
  uint64_t vdso_base = 0;
  Vector<uint8_t> auxv;
  uint64_t stack_limit = 8ull << 20;  // RLIMIT_STACK at exec
  uint64_t mmap_base = 0;             // top-down search starts here

 private:
  friend class MemoryObject;
  AddressSpace() = default;
  uint64_t root_ = 0;
  Vector<UniquePtr<Vma>> vmas_;
  uint64_t brk_start_ = 0, brk_ = 0;
  uint64_t resident_pages_ = 0, total_pages_ = 0;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_ADDRESS_SPACE_H_
