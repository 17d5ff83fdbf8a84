// SPDX-License-Identifier: Apache-2.0
//
// Guest RAM for hosted tests of mm: an anonymous mapping that stands at
// PhysicalToVirtual(0), a boot root with a recognizable kernel half, and the
// frame allocator as at boot. One at a time.
#ifndef CRVM_GUESTKERNEL_MM_TESTING_FAKE_MEMORY_H_
#define CRVM_GUESTKERNEL_MM_TESTING_FAKE_MEMORY_H_

#include <cstdint>
#include <map>

#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/limits.h"
#include "guestkernel/mm/page_table.h"

namespace gk {

class FakeMemory {
 public:
  explicit FakeMemory(uint64_t size = 256 << 20);
  ~FakeMemory();
  FakeMemory(const FakeMemory&) = delete;
  FakeMemory& operator=(const FakeMemory&) = delete;

  uint64_t size() const { return size_; }
  uint8_t* data() const { return data_; }

 private:
  uint64_t size_;
  uint8_t* data_;
};

// What ProcessLimit answers; ~0 where nothing is set.
std::map<MemoryLimit, uint64_t>& FakeLimits();

// The last-level entry for `address` as the processor would find it (huge pages
// as their 4 KiB part); 0 when there is none.
Pte EntryAt(const AddressSpace& space, uint64_t address);
// Is `address` mapped by a 2 MiB entry?
bool IsHugeAt(const AddressSpace& space, uint64_t address);
// What a program reads or writes at `address` without a fault; nullptr when the
// processor would fault.
uint8_t* UserByte(const AddressSpace& space, uint64_t address, bool write);
// As a program: faults and tries again. False: the fault was not handled.
bool Touch(AddressSpace& space, uint64_t address, bool write);
bool Poke(AddressSpace& space, uint64_t address, uint8_t value);
int Peek(AddressSpace& space, uint64_t address);  // -1: not handled

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_TESTING_FAKE_MEMORY_H_
