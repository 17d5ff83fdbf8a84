// SPDX-License-Identifier: Apache-2.0
//
// The frame that a signal handler is entered with and returns through:
// struct rt_sigframe of the x86-64 ABI (arch/x86/include/asm/sigframe.h), with
// the XSAVE image that debuggers and unwinders expect.
#include <asm/signal.h>

#include <cstdint>

#include "guestkernel/arch/arch.h"
#include "guestkernel/arch/syscalls.h"
#include "guestkernel/arch/user_copy.h"
#include "guestkernel/lib/string.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/thread.h"

namespace gk {
namespace {

// struct sigcontext, uapi/asm/sigcontext.h.
struct MachineContext {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
  uint16_t cs, gs, fs, ss;
  uint64_t error, trap, old_mask, cr2;
  uint64_t fpstate;
  uint64_t reserved[8];
};
static_assert(sizeof(MachineContext) == 256);

struct AltStack {
  uint64_t base;
  uint32_t flags, padding;
  uint64_t size;
};

struct UserContext {  // struct ucontext
  uint64_t flags, link;
  AltStack stack;
  MachineContext machine;
  SignalSet mask;
};
static_assert(sizeof(UserContext) == 304);

struct SignalFrame {  // struct rt_sigframe
  uint64_t return_address;
  UserContext context;
  SigInfo info;
};
static_assert(sizeof(SignalFrame) == 440);

// struct _fpx_sw_bytes, at byte 464 of the FXSAVE area.
struct FpuSoftwareBytes {
  uint32_t magic1, extended_size;
  uint64_t features;
  uint32_t xstate_size;
  uint32_t padding[7];
};
static_assert(sizeof(FpuSoftwareBytes) == 48);
constexpr uint64_t kSoftwareBytesOffset = 464, kXsaveHeaderOffset = 512;
constexpr uint32_t kFpMagic1 = 0x46505853, kFpMagic2 = 0x46505845;
constexpr uint64_t kUcFpXstate = 1, kUcSigContextSs = 2, kUcStrictRestoreSs = 4;
// Flags that a program may set: CF PF AF ZF SF TF DF OF RF AC.
constexpr uint64_t kUserFlags = 0x50dd5 | 0x10000;

// Writes the FPU image; its user address, 0 on a fault.
uint64_t PushFpu(uint64_t* sp) {
  uint32_t size = static_cast<uint32_t>(GetBootInfo().xsave_size);
  uint64_t at = (*sp - size - 4) & ~uint64_t{63};
  uint8_t header[64] = {};
  FpuSoftwareBytes software = {.magic1 = kFpMagic1,
                               .extended_size = size + 4,
                               .features = GetBootInfo().xcr0,
                               .xstate_size = size,
                               .padding = {}};
  if (CopyToUser(UserAddress(at + kXsaveHeaderOffset), header,
                 sizeof(header)) != 0 ||
      ZeroUser(UserAddress(at + kXsaveHeaderOffset + 64),
               size - kXsaveHeaderOffset - 64) != 0 ||
      FpuSaveToUser(at) != 0 ||
      WriteUser(UserAddress(at + kSoftwareBytesOffset), software) != 0 ||
      WriteUser(UserAddress(at + size), kFpMagic2) != 0) {
    return 0;
  }
  *sp = at;
  return at;
}

// True when RSP is on the thread's alternate stack.
bool OnAltStack(const Thread* t, uint64_t sp) {
  return t->alt_stack_size > 0 && sp > t->alt_stack_base &&
         sp - t->alt_stack_base <= t->alt_stack_size;
}

void FillMachineContext(MachineContext* m, const TrapFrame* f, uint64_t fpstate,
                        SignalSet mask) {
  m->r8 = f->r8, m->r9 = f->r9, m->r10 = f->r10, m->r11 = f->r11;
  m->r12 = f->r12, m->r13 = f->r13, m->r14 = f->r14, m->r15 = f->r15;
  m->rdi = f->rdi, m->rsi = f->rsi, m->rbp = f->rbp, m->rbx = f->rbx;
  m->rdx = f->rdx, m->rax = f->rax, m->rcx = f->rcx, m->rsp = f->rsp;
  m->rip = f->rip, m->rflags = f->rflags;
  m->cs = crvm::abi::kUserCs, m->ss = crvm::abi::kUserDs;
  bool fault = f->vector < 32;
  m->error = fault && f->error_code != ~uint64_t{0} ? f->error_code : 0;
  m->trap = fault ? f->vector : 0;
  m->cr2 = f->vector == 14 ? FaultAddress() : 0;
  m->old_mask = mask.bits;
  m->fpstate = fpstate;
}

}  // namespace

int PushSignalFrame(TrapFrame* f, const SigAction& action, const SigInfo& info,
                    SignalSet mask_to_restore) {
  Thread* thread = CurrentThread();
  SignalFrame frame = {};
  AltStack& alt = frame.context.stack;
  alt = {thread->alt_stack_base, thread->alt_stack_flags, 0,
         thread->alt_stack_size};
  uint64_t sp = f->rsp - 128;  // the red zone
  constexpr uint32_t kSsOnStack = 1, kSsDisable = 2, kSsAutoDisarm = 1u << 31;
  if ((action.flags & SA_ONSTACK) && thread->alt_stack_size > 0 &&
      !(thread->alt_stack_flags & kSsDisable)) {
    if (!OnAltStack(thread, f->rsp) ||
        (thread->alt_stack_flags & kSsAutoDisarm)) {
      sp = thread->alt_stack_base + thread->alt_stack_size;
    } else {
      alt.flags |= kSsOnStack;
    }
  }
  uint64_t fpstate = PushFpu(&sp);
  if (fpstate == 0) return -EFAULT;
  sp = ((sp - sizeof(SignalFrame)) & ~uint64_t{15}) - 8;
  if (OnAltStack(thread, f->rsp) && !OnAltStack(thread, sp) &&
      (alt.flags & kSsOnStack)) {
    return -EFAULT;  // the alternate stack overflowed
  }
  frame.return_address = action.restorer;
  frame.context.flags = kUcFpXstate | kUcSigContextSs | kUcStrictRestoreSs;
  FillMachineContext(&frame.context.machine, f, fpstate, mask_to_restore);
  frame.context.mask = mask_to_restore;
  frame.info = info;
  if (WriteUser(UserAddress(sp), frame) != 0) return -EFAULT;
  if (thread->alt_stack_flags & kSsAutoDisarm) {
    thread->alt_stack_base = thread->alt_stack_size = 0;
    thread->alt_stack_flags = kSsDisable;
  }
  f->rdi = static_cast<uint64_t>(info.signo);
  f->rsi = sp + offsetof(SignalFrame, info);
  f->rdx = sp + offsetof(SignalFrame, context);
  f->rax = 0;
  f->rsp = sp;
  f->rip = action.handler;
  f->rflags &= ~uint64_t{0x10500};  // RF, DF, TF
  return 0;
}

int64_t PopSignalFrame(TrapFrame* f) {
  Thread* thread = CurrentThread();
  // The handler's RET has popped return_address.
  auto frame = ReadUser<SignalFrame>(UserAddress(f->rsp - 8));
  if (!frame.ok()) return -EFAULT;
  const MachineContext& m = frame->context.machine;
  if (m.rip >= crvm::abi::kUserEnd) return -EFAULT;
  if (m.fpstate != 0 && FpuRestoreFromUser(m.fpstate) != 0) return -EFAULT;
  f->r8 = m.r8, f->r9 = m.r9, f->r10 = m.r10, f->r11 = m.r11;
  f->r12 = m.r12, f->r13 = m.r13, f->r14 = m.r14, f->r15 = m.r15;
  f->rdi = m.rdi, f->rsi = m.rsi, f->rbp = m.rbp, f->rbx = m.rbx;
  f->rdx = m.rdx, f->rax = m.rax, f->rcx = m.rcx, f->rsp = m.rsp;
  f->rip = m.rip;
  f->rflags = (f->rflags & ~kUserFlags) | (m.rflags & kUserFlags);
  thread->blocked = frame->context.mask;
  thread->blocked.Remove(SIGKILL);
  thread->blocked.Remove(SIGSTOP);
  const AltStack& alt = frame->context.stack;
  thread->alt_stack_base = alt.base;
  thread->alt_stack_size = alt.size;
  thread->alt_stack_flags = alt.flags & ~1u;
  f->vector = 0;  // no longer a system call: nothing to restart
  f->error_code = ~uint64_t{0};
  return static_cast<int64_t>(f->rax);
}

// The result must not overwrite the restored RAX: it is the restored RAX.
int64_t SysRtSigreturn(const SyscallArgs& args) {
  int64_t result = PopSignalFrame(args.frame);
  if (args.frame->vector != 0) {  // a bad frame kills
    ForceSignal(SIGSEGV, KernelSigInfo(SIGSEGV));
  }
  return result;
}

}  // namespace gk
