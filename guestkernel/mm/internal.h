// SPDX-License-Identifier: Apache-2.0
//
// For mm only. ActiveSpace: which address space the (one) vCPU has loaded;
// changes of another one need no TLB flush, since loading it flushes.
#ifndef CRVM_GUESTKERNEL_MM_INTERNAL_H_
#define CRVM_GUESTKERNEL_MM_INTERNAL_H_

#include "guestkernel/mm/page_table.h"

namespace gk {

class AddressSpace;
AddressSpace* ActiveSpace();
// Drops the references of a huge page's 512 frames.
void ReleaseHugeFrames(Pte entry);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_INTERNAL_H_
