// SPDX-License-Identifier: Apache-2.0
#include <asm/errno.h>

#include "guestkernel/arch/arch.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/thread.h"
#include "guestkernel/syscall/syscall.h"
#include "guestkernel/syscall/table.h"

namespace gk {
namespace {

const SyscallEntry* g_by_number[kSyscallLimit];
bool g_absence_logged[kSyscallLimit];

int64_t AbsentCall(uint64_t number) {
  if (number < kSyscallLimit && !g_absence_logged[number]) {
    g_absence_logged[number] = true;
    const char* name = SyscallName(number);
    Log(LogLevel::kInfo, "system call %s (%lu) is absent: ENOSYS",
        name ? name : "without a name", number);
  }
  return -ENOSYS;
}

}  // namespace

void SyscallTableInit() {
  for (size_t i = 0; i < kSyscallTableSize; ++i) {
    const SyscallEntry& entry = kSyscallTable[i];
    GK_ASSERT(entry.number < kSyscallLimit && !g_by_number[entry.number]);
    g_by_number[entry.number] = &entry;
  }
}

const char* SyscallName(uint64_t number) {
  if (number >= kSyscallLimit || !g_by_number[number]) return nullptr;
  return g_by_number[number]->name;
}

extern "C" void SyscallDispatch(TrapFrame* frame) {
  AccountKernelEntry();
  uint64_t number = frame->error_code;
  const SyscallEntry* entry =
      number < kSyscallLimit ? g_by_number[number] : nullptr;
  if (entry && entry->handler) [[likely]] {
    SyscallArgs args = {
        {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9},
        frame};
    frame->rax = static_cast<uint64_t>(entry->handler(args));
  } else {
    frame->rax = static_cast<uint64_t>(AbsentCall(number));
  }
  PrepareUserReturn(frame);
}

}  // namespace gk
