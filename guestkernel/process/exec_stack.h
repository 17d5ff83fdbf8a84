// SPDX-License-Identifier: Apache-2.0
//
// The initial stack of a program: argc, argv, envp, the auxiliary vector and
// the strings (System V AMD64 psABI, section 3.4.1). Pure, but for the writer
// that it is given.
#ifndef CRVM_GUESTKERNEL_PROCESS_EXEC_STACK_H_
#define CRVM_GUESTKERNEL_PROCESS_EXEC_STACK_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/lib/string.h"
#include "guestkernel/lib/vector.h"
#include "guestkernel/process/argument_list.h"

namespace gk {

struct AuxEntry {
  uint64_t type, value;
};
static_assert(sizeof(AuxEntry) == 16);

// uapi/linux/auxvec.h, asm/auxvec.h.
enum AuxType : uint64_t {
  kAuxNull = 0,
  kAuxPhdr = 3,
  kAuxPhent = 4,
  kAuxPhnum = 5,
  kAuxPageSize = 6,
  kAuxBase = 7,
  kAuxFlags = 8,
  kAuxEntry = 9,
  kAuxUid = 11,
  kAuxEuid = 12,
  kAuxGid = 13,
  kAuxEgid = 14,
  kAuxPlatform = 15,
  kAuxHwcap = 16,
  kAuxClockTicks = 17,
  kAuxSecure = 23,
  kAuxRandom = 25,
  kAuxHwcap2 = 26,
  kAuxExecFn = 31,
  kAuxSysinfoEhdr = 33,
  kAuxMinSigStack = 51,
};

// Takes the stack's bytes, in ascending order.
class StackWriter {
 public:
  virtual int Write(uint64_t address, const void* data, size_t n) = 0;

 protected:
  ~StackWriter() = default;
};

struct StackContents {
  // Before `arguments`, in their order: interpreter, its argument, script.
  const ArgumentList* script_arguments;
  const ArgumentList* arguments;
  const ArgumentList* environment;
  StringView file_name;  // AT_EXECFN
  uint8_t random[16];    // AT_RANDOM
  // Without those that point into the stack (AT_PLATFORM, AT_RANDOM, AT_EXECFN)
  // and the end, which are added.
  const AuxEntry* aux;
  size_t aux_count;
};

struct StackPlan {
  uint64_t stack_pointer;
  uint64_t arg_start, arg_end, env_start, env_end;
  uint64_t random, platform, file_name;
};

// Where everything goes on a stack that ends at `top` (16-byte aligned).
// -E2BIG when it needs more than `limit` bytes.
Result<StackPlan> PlanStack(const StackContents& contents, uint64_t top,
                            uint64_t limit);
// Writes it; *auxv gets a copy of the auxiliary vector (/proc/PID/auxv).
int WriteStack(const StackContents& contents, const StackPlan& plan,
               uint64_t top, StackWriter& writer, Vector<uint8_t>* auxv);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_EXEC_STACK_H_
