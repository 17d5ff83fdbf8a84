// SPDX-License-Identifier: Apache-2.0
//
// See fake_memory.h.
#include "guestkernel/mm/testing/fake_memory.h"

#include <sys/mman.h>

#include "guestkernel/abi/layout.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/lib/panic.h"

namespace gk {

namespace abi = crvm::abi;

FakeMemory::FakeMemory(uint64_t size) : size_(size) {
  void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) Panic("hosted: no memory for a guest");
  data_ = static_cast<uint8_t*>(at);
  g_hosted_memory = reinterpret_cast<uint64_t>(at);
  hosted::SetBootRoot(abi::kBootPageTablesGpa);
  auto* root = reinterpret_cast<uint64_t*>(data_ + abi::kBootPageTablesGpa);
  for (unsigned i = 256; i < 512; ++i) root[i] = (i << 12) | 7;
  root[abi::kRootLinkSlot] = 0;
  FrameAllocatorInit(abi::kFirstFreeGpa, size);
}

FakeMemory::~FakeMemory() {
  munmap(data_, size_);
  g_hosted_memory = 0;
}

std::map<MemoryLimit, uint64_t>& FakeLimits() {
  static auto* limits = new std::map<MemoryLimit, uint64_t>;
  return *limits;
}

uint64_t ProcessLimit(MemoryLimit limit) {
  auto found = FakeLimits().find(limit);
  return found == FakeLimits().end() ? ~uint64_t{0} : found->second;
}
bool MayLockMemory() { return false; }
void CountFault(bool) {}

// Walks the tables by itself: an error in page_table.cc must not hide here.
Pte EntryAt(const AddressSpace& space, uint64_t address) {
  uint64_t table = space.root_gpa();
  for (int shift = 39; shift >= 12; shift -= 9) {
    Pte entry =
        static_cast<Pte*>(PhysicalToVirtual(table))[address >> shift & 511];
    if (shift == 12 || entry == 0) return entry;
    if (shift == 21 && (entry & 0x80)) {
      return (entry & ~Pte{0x80}) + (address & 0x1ff000);
    }
    if ((entry & 7) != 7) Panic("bad entry %lx at shift %d", entry, shift);
    table = entry & 0x000ffffffffff000;
  }
  return 0;
}

bool IsHugeAt(const AddressSpace& space, uint64_t address) {
  Pte* entry = FindDirectoryEntry(space.root_gpa(), address);
  return entry && (*entry & 0x80);
}

uint8_t* UserByte(const AddressSpace& space, uint64_t address, bool write) {
  Pte entry = EntryAt(space, address);
  if (!(entry & 1) || !(entry & 4) || (write && !(entry & 2))) return nullptr;
  return static_cast<uint8_t*>(
      PhysicalToVirtual((entry & 0x000ffffffffff000) + (address & 4095)));
}

bool Touch(AddressSpace& space, uint64_t address, bool write) {
  if (UserByte(space, address, write)) return true;
  FaultResult result = space.HandleFault(
      address, FaultAccess{.write = write, .execute = false, .user = true});
  if (result != FaultResult::kHandled) return false;
  if (!UserByte(space, address, write)) Panic("fault handled, still absent");
  return true;
}

bool Poke(AddressSpace& space, uint64_t address, uint8_t value) {
  if (!Touch(space, address, true)) return false;
  // As the processor does.
  Pte* entry = FindPte(space.root_gpa(), address);
  if (!entry) entry = FindDirectoryEntry(space.root_gpa(), address);
  *entry |= kPteAccessed | kPteDirty;
  *UserByte(space, address, true) = value;
  return true;
}

int Peek(AddressSpace& space, uint64_t address) {
  if (!Touch(space, address, false)) return -1;
  return *UserByte(space, address, false);
}

}  // namespace gk
