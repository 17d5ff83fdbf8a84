// SPDX-License-Identifier: Apache-2.0
//
// The vDSO in programs' memory: the clock page [vvar], and directly behind it
// the image [vdso] that vdso/ builds. Both are ordinary frames, so a snapshot
// carries them, and a program that was resumed keeps the image that it has
// linked itself to.
#ifndef CRVM_GUESTKERNEL_PROCESS_VDSO_H_
#define CRVM_GUESTKERNEL_PROCESS_VDSO_H_

#include "guestkernel/fs/inode.h"
#include "guestkernel/mm/address_space.h"

namespace gk {

// Copies the image into frames of its own; once, before the first exec.
int VdsoInit();
// Maps both with the clock page at `vvar`. The address of the ELF header
// (AT_SYSINFO_EHDR).
Result<uint64_t> MapVdso(AddressSpace& memory, uint64_t vvar);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_VDSO_H_
