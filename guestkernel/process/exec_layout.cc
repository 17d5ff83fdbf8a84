// SPDX-License-Identifier: Apache-2.0
//
// See exec_layout.h.
#include "guestkernel/process/exec_layout.h"

#include "guestkernel/abi/layout.h"

namespace gk {
namespace {

using crvm::abi::kHugePageSize;
using crvm::abi::kPageSize;
using crvm::abi::kUserEnd;

constexpr uint64_t kGiB = uint64_t{1} << 30;
// The last 2 MiB region that is all below kUserEnd's.
constexpr uint64_t kHighestStackRegion =
    (kUserEnd & ~(kHugePageSize - 1)) - kHugePageSize;
constexpr uint64_t kStackInRegion = 1 << 20;
// ELF_ET_DYN_BASE: two thirds of user memory, where people expect to see
// position-independent programs.
constexpr uint64_t kPieBase = kUserEnd / 3 * 2 & ~(kPageSize - 1);
// Room for the stack to grow into, whatever RLIMIT_STACK says.
constexpr uint64_t kMinStackGap = 128 << 20, kMaxStackGap = 64 * kGiB;

uint64_t Bits(uint64_t random, unsigned n) {
  return random & ((uint64_t{1} << n) - 1);
}

}  // namespace

ExecLayout ChooseExecLayout(const uint64_t* random, uint64_t stack_limit) {
  static constexpr uint64_t kNone[8] = {};
  const uint64_t* r = random ? random : kNone;
  uint64_t region = kHighestStackRegion - Bits(r[0], 13) * kHugePageSize;
  uint64_t gap = stack_limit;
  if (gap < kMinStackGap) gap = kMinStackGap;
  if (gap > kMaxStackGap) gap = kMaxStackGap;
  gap = (gap + kPageSize - 1) & ~(kPageSize - 1);
  ExecLayout layout;
  layout.stack_top = region + kStackInRegion + Bits(r[1], 7) * kPageSize;
  layout.vvar = layout.stack_top + (1 + Bits(r[2], 5)) * kPageSize;
  layout.mmap_base = region - gap - Bits(r[3], 24) * kPageSize;
  layout.pie_base = kPieBase + Bits(r[4], 24) * kPageSize;
  layout.brk_gap = Bits(r[5], 13) * kPageSize;
  layout.stack_shift = Bits(r[6], 9) * 16;
  return layout;
}

}  // namespace gk
