// SPDX-License-Identifier: Apache-2.0
//
// System calls about dispositions, masks and the alternate stack. The current
// thread's own business.
#include <asm/signal.h>

#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/syscalls.h"

namespace gk {
namespace {

constexpr uint64_t kExposeTagBits = 0x800;  // SA_EXPOSE_TAGBITS
constexpr uint64_t kKnownActionFlags =
    SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART |
    SA_NODEFER | SA_RESETHAND | SA_RESTORER | kExposeTagBits;

// sigaltstack(2)
constexpr uint32_t kSsOnStack = 1, kSsDisable = 2, kSsAutodisarm = 1u << 31;
constexpr uint64_t kMinAltStackSize = 2048;  // MINSIGSTKSZ

struct AltStack {  // stack_t
  uint64_t base;
  uint32_t flags;
  uint32_t padding;
  uint64_t size;
};
static_assert(sizeof(AltStack) == 24);

bool IsValid(int signo) { return signo >= 1 && signo <= kSignalCount; }
bool IsUncatchable(int signo) { return signo == SIGKILL || signo == SIGSTOP; }

void InstallAction(Process* process, int signo, SigAction action) {
  action.flags &= kKnownActionFlags;
  action.mask.Remove(SIGKILL);
  action.mask.Remove(SIGSTOP);
  process->handlers->action(signo) = action;
  // POSIX: ignoring a signal discards what is pending, blocked or not.
  if (IsIgnored(process, signo)) {
    SignalSet discarded{SignalSet::Bit(signo)};
    process->pending.Discard(discarded);
    for (Thread& thread : process->threads) thread.pending.Discard(discarded);
  }
}

bool IsOnAltStack(const Thread& thread, uint64_t rsp) {
  return !(thread.alt_stack_flags & kSsAutodisarm) &&
         rsp > thread.alt_stack_base &&
         rsp - thread.alt_stack_base <= thread.alt_stack_size;
}

AltStack CurrentAltStack(const Thread& thread, uint64_t rsp) {
  AltStack stack = {thread.alt_stack_base,
                    thread.alt_stack_flags & kSsAutodisarm, 0,
                    thread.alt_stack_size};
  if (thread.alt_stack_size == 0) {
    stack.flags |= kSsDisable;
  } else if (IsOnAltStack(thread, rsp)) {
    stack.flags |= kSsOnStack;
  }
  return stack;
}

int SetAltStack(Thread* thread, const AltStack& stack, uint64_t rsp) {
  if (thread->alt_stack_size != 0 && IsOnAltStack(*thread, rsp)) return -EPERM;
  uint32_t mode = stack.flags & ~kSsAutodisarm;
  if (mode != 0 && mode != kSsOnStack && mode != kSsDisable) return -EINVAL;
  uint32_t autodisarm = stack.flags & kSsAutodisarm;
  if (mode == kSsDisable) {
    thread->alt_stack_base = thread->alt_stack_size = 0;
    thread->alt_stack_flags = kSsDisable | autodisarm;
    return 0;
  }
  if (stack.size < kMinAltStackSize) return -ENOMEM;
  thread->alt_stack_base = stack.base;
  thread->alt_stack_size = stack.size;
  thread->alt_stack_flags = autodisarm;
  return 0;
}

}  // namespace

Result<SignalSet> ReadSignalSet(UserAddress from, uint64_t size) {
  if (size != sizeof(SignalSet)) return Error(-EINVAL);
  return ReadUser<SignalSet>(from);
}

// rt_sigaction(signo, new, old, size)
int64_t SysRtSigaction(const SyscallArgs& args) {
  int signo = args.Int(0);
  if (args.U64(3) != sizeof(SignalSet) || !IsValid(signo)) return -EINVAL;
  if (IsUncatchable(signo) && !args.User(1).is_null()) return -EINVAL;
  Process* process = CurrentProcess();
  SigAction old = process->handlers->action(signo);
  if (!args.User(1).is_null()) {
    GK_ASSIGN_OR_RETURN(SigAction action, ReadUser<SigAction>(args.User(1)));
    InstallAction(process, signo, action);
  }
  return args.User(2).is_null() ? 0 : WriteUser(args.User(2), old);
}

// rt_sigprocmask(how, new, old, size)
int64_t SysRtSigprocmask(const SyscallArgs& args) {
  if (args.U64(3) != sizeof(SignalSet)) return -EINVAL;
  SignalSet old = CurrentThread()->blocked;
  if (!args.User(1).is_null()) {
    GK_ASSIGN_OR_RETURN(SignalSet set, ReadUser<SignalSet>(args.User(1)));
    switch (args.Int(0)) {
      case SIG_BLOCK:
        set.bits |= old.bits;
        break;
      case SIG_UNBLOCK:
        set.bits = old.bits & ~set.bits;
        break;
      case SIG_SETMASK:
        break;
      default:
        return -EINVAL;
    }
    SetBlockedSignals(set);
  }
  return args.User(2).is_null() ? 0 : WriteUser(args.User(2), old);
}

// rt_sigpending(set, size)
int64_t SysRtSigpending(const SyscallArgs& args) {
  if (args.U64(1) > sizeof(SignalSet)) return -EINVAL;
  Thread* thread = CurrentThread();
  uint64_t pending =
      thread->pending.set().bits | thread->process->pending.set().bits;
  pending &= thread->blocked.bits;
  return CopyToUser(args.User(0), &pending, args.U64(1));
}

// sigaltstack(new, old)
int64_t SysSigaltstack(const SyscallArgs& args) {
  Thread* thread = CurrentThread();
  uint64_t rsp = args.frame->rsp;
  AltStack old = CurrentAltStack(*thread, rsp);
  if (!args.User(0).is_null()) {
    GK_ASSIGN_OR_RETURN(AltStack stack, ReadUser<AltStack>(args.User(0)));
    GK_RETURN_IF_ERROR(SetAltStack(thread, stack, rsp));
  }
  return args.User(1).is_null() ? 0 : WriteUser(args.User(1), old);
}

}  // namespace gk
