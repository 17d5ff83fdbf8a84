// SPDX-License-Identifier: Apache-2.0
//
// Where exec puts the parts of a program: stack, vDSO, mappings, a
// position-independent executable, the break. Pure. Random, but less widely
// than Linux: stack and vDSO share one page of page tables, and all mappings
// one 512 GiB entry, since each page-table page costs boot time and snapshot
// space.
#ifndef CRVM_GUESTKERNEL_PROCESS_EXEC_LAYOUT_H_
#define CRVM_GUESTKERNEL_PROCESS_EXEC_LAYOUT_H_

#include <cstdint>

namespace gk {

struct ExecLayout {
  uint64_t stack_top;    // page-aligned; the stack ends here
  uint64_t vvar;         // clock page; the vDSO follows directly
  uint64_t mmap_base;    // mappings grow down from here
  uint64_t pie_base;     // lowest address of a position-independent program
  uint64_t brk_gap;      // from the end of bss to the break
  uint64_t stack_shift;  // bytes left unused at the stack's top, 16-aligned
};

// `random`: 8 words of random bits, or null for the fixed layout
// (ADDR_NO_RANDOMIZE). `stack_limit`: RLIMIT_STACK.
ExecLayout ChooseExecLayout(const uint64_t* random, uint64_t stack_limit);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_EXEC_LAYOUT_H_
