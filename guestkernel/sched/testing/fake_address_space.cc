// SPDX-License-Identifier: Apache-2.0
//
// What sched/ calls of AddressSpace, for tests that link no mm. The destructor
// is the key function: it gives type information, which sanitizers look at.
#include "guestkernel/mm/address_space.h"

namespace gk {

AddressSpace::~AddressSpace() = default;
void AddressSpace::Activate() {}
Result<AddressSpace::PageKey> AddressSpace::FutexKey(uint64_t address) {
  return PageKey{this, address};
}

}  // namespace gk
