// SPDX-License-Identifier: Apache-2.0
//
// Exceptions: page faults go to the address space, the rest become signals;
// what happens in the kernel itself is either a fault-tolerant copy or a bug.
#include <asm/signal.h>

#include <cstdint>

#include "guestkernel/arch/arch.h"
#include "guestkernel/arch/entry.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/thread.h"

namespace gk {
namespace {

namespace abi = crvm::abi;

// SDM vol. 3, table 6-1.
enum Vector : uint64_t {
  kDivideError = 0,
  kDebug = 1,
  kBreakpoint = 3,
  kOverflow = 4,
  kInvalidOpcode = 6,
  kStackFault = 12,
  kPageFault = 14,
  kX87Error = 16,
  kAlignmentCheck = 17,
  kSimdError = 19,
};

// Page-fault error code, SDM vol. 3, section 4.7.
enum PageFaultBit : uint64_t { kPfWrite = 2, kPfFetch = 16 };

struct FixupRow {
  uint64_t at, to;
};
extern "C" const FixupRow fixup_table_begin[];
extern "C" const FixupRow fixup_table_end[];

uint64_t g_fault_address;  // CR2 of the fault being handled

// Where a fault-tolerant instruction goes on; 0 when `rip` is none.
uint64_t FindFixup(uint64_t rip) {
  for (const FixupRow* row = fixup_table_begin; row != fixup_table_end; ++row) {
    if (row->at == rip) return row->to;
  }
  return 0;
}

[[noreturn]] void KernelBug(const TrapFrame* f, uint64_t cr2) {
  Thread* thread = CurrentThread();
  Panic(
      "exception %lu (error %lx) in the kernel at %lx, address %lx, thread %d "
      "rsp %lx rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx",
      f->vector, f->error_code, f->rip, cr2, thread ? thread->tid : -1, f->rsp,
      f->rax, f->rbx, f->rcx, f->rdx, f->rsi, f->rdi, f->rbp);
}

void RaiseFault(int signo, int code, uint64_t address) {
  SigInfo info = KernelSigInfo(signo);
  info.code = code;
  info.fault.address = address;
  ForceSignal(signo, info);
}

FaultResult ResolveFault(const TrapFrame* frame, uint64_t address, bool user) {
  if (address >= abi::kUserEnd) return FaultResult::kBadAddress;
  Process* process = CurrentProcess();
  if (!process || !process->memory) return FaultResult::kBadAddress;
  return process->memory->HandleFault(
      address, FaultAccess{.write = (frame->error_code & kPfWrite) != 0,
                           .execute = (frame->error_code & kPfFetch) != 0,
                           .user = user});
}

// si_code values: include/uapi/asm-generic/siginfo.h.
void UserPageFault(TrapFrame* frame, uint64_t address) {
  constexpr int kSegvMapErr = 1, kSegvAccErr = 2, kBusAdrErr = 2;
  switch (ResolveFault(frame, address, true)) {
    case FaultResult::kHandled:
      return;
    case FaultResult::kBadAddress:
      return RaiseFault(SIGSEGV, kSegvMapErr, address);
    case FaultResult::kBadAccess:
      return RaiseFault(SIGSEGV, kSegvAccErr, address);
    case FaultResult::kBusError:
      return RaiseFault(SIGBUS, kBusAdrErr, address);
    case FaultResult::kOutOfMemory:
      Log(LogLevel::kError, "out of memory: process %d killed; use --memory",
          CurrentProcess()->pid);
      SendSignalToProcess(CurrentProcess(), SIGKILL, nullptr);
      return;
  }
}

void KernelPageFault(TrapFrame* frame, uint64_t address) {
  uint64_t fixup = FindFixup(frame->rip);
  if (fixup == 0) KernelBug(frame, address);
  if (ResolveFault(frame, address, false) != FaultResult::kHandled) {
    frame->rip = fixup;
  }
}

void UserException(TrapFrame* frame) {
  constexpr int kFpeIntDiv = 1, kFpeFltInv = 7, kIllIllOpn = 2, kTrapTrace = 2,
                kBusAdrAln = 1, kSiKernel = 0x80;
  switch (frame->vector) {
    case kDivideError:
      return RaiseFault(SIGFPE, kFpeIntDiv, frame->rip);
    case kDebug:
      frame->rflags &= ~uint64_t{0x100};  // TF
      return RaiseFault(SIGTRAP, kTrapTrace, frame->rip);
    case kBreakpoint:
      return RaiseFault(SIGTRAP, kSiKernel, 0);
    case kInvalidOpcode:
      return RaiseFault(SIGILL, kIllIllOpn, frame->rip);
    case kX87Error:
    case kSimdError:
      return RaiseFault(SIGFPE, kFpeFltInv, frame->rip);
    case kAlignmentCheck:
      return RaiseFault(SIGBUS, kBusAdrAln, 0);
    case kStackFault:
      return RaiseFault(SIGBUS, kSiKernel, 0);
    default:  // #GP, #OF, #BR, #NP
      return RaiseFault(SIGSEGV, kSiKernel, 0);
  }
}

}  // namespace

uint64_t FaultAddress() { return g_fault_address; }

// From entry.S. `from_user` false: the frame is of the kernel itself.
extern "C" void TrapDispatch(TrapFrame* frame, uint64_t from_user,
                             uint64_t cr2) {
  g_fault_address = cr2;
  if (!from_user) {
    if (frame->vector == kPageFault) return KernelPageFault(frame, cr2);
    uint64_t fixup = FindFixup(frame->rip);  // #GP of XRSTOR, wild addresses
    if (fixup == 0) KernelBug(frame, cr2);
    frame->rip = fixup;
    return;
  }
  AccountKernelEntry();
  if (frame->vector == kPageFault) {
    UserPageFault(frame, cr2);
  } else if (frame->vector != abi::kEventVector) {
    UserException(frame);
  }
  PrepareUserReturn(frame);
}

}  // namespace gk
