// SPDX-License-Identifier: Apache-2.0
//
// Signals: sets, queued siginfo, dispositions. Sending, taking and delivering
// are in sched/signal*.cc; the frame on the user stack is in
// arch/signal_frame.cc. See signal(7).
#ifndef CRVM_GUESTKERNEL_SCHED_SIGNAL_H_
#define CRVM_GUESTKERNEL_SCHED_SIGNAL_H_

#include <cstdint>

#include "guestkernel/arch/user_copy.h"
#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

class Process;
class Thread;
struct TrapFrame;

inline constexpr int kSignalCount = 64;

// Bit n-1 is signal n, as in the kernel ABI's sigset_t (8 bytes).
struct SignalSet {
  uint64_t bits = 0;
  static constexpr uint64_t Bit(int signo) {
    return uint64_t{1} << (signo - 1);
  }
  bool Has(int signo) const { return (bits & Bit(signo)) != 0; }
  bool empty() const { return bits == 0; }
  void Add(int signo) { bits |= Bit(signo); }
  void Remove(int signo) { bits &= ~Bit(signo); }
};
static_assert(sizeof(SignalSet) == 8);

// siginfo_t of the ABI: 128 bytes (include/uapi/asm-generic/siginfo.h).
struct SigInfo {
  int32_t signo;
  int32_t error;
  int32_t code;
  int32_t padding;
  union {
    struct {
      int32_t pid;
      uint32_t uid;
      uint64_t value;
    } kill;  // also queue (rt)
    struct {
      int32_t timer_id;
      int32_t overrun;
      uint64_t value;
    } timer;
    struct {
      int32_t pid;
      uint32_t uid;
      int32_t status;
      int32_t padding;
      int64_t utime, stime;
    } child;
    struct {
      uint64_t address;
      uint64_t lower, upper;
    } fault;
    struct {
      int64_t band;
      int32_t fd;
    } poll;
    uint8_t raw[112];
  };
};
static_assert(sizeof(SigInfo) == 128);

// struct kernel_sigaction of the ABI.
struct SigAction {
  uint64_t handler;  // SIG_DFL 0, SIG_IGN 1
  uint64_t flags;
  uint64_t restorer;
  SignalSet mask;
};
static_assert(sizeof(SigAction) == 32);

struct QueuedSignal {
  ListLink link;
  SigInfo info;
  class PosixTimer* timer = nullptr;  // preallocated entry of a POSIX timer
};

// Pending signals of a thread or a process. Standard signals once each,
// real-time ones queued.
class PendingSignals {
 public:
  ~PendingSignals();
  SignalSet set() const { return set_; }
  // 0, or -EAGAIN when a real-time signal cannot be queued: no memory, or
  // `limit` queued already (RLIMIT_SIGPENDING; all processes count together).
  // Standard signals always get through (info may be lost).
  int Add(const SigInfo& info, uint64_t limit = ~uint64_t{0});
  // The same with an entry of the caller's (of a POSIX timer), which must not
  // be queued already.
  void AddEntry(QueuedSignal* entry);
  // Takes the most urgent signal in `wanted`: SIGKILL, then those that faults
  // raise, then by number; false when none.
  bool Take(SignalSet wanted, SigInfo* info);
  void Discard(SignalSet which);
  // Takes an AddEntry entry back, if it is queued here.
  void Withdraw(QueuedSignal* entry);

 private:
  void Remove(QueuedSignal* entry, SigInfo* info);

  SignalSet set_;
  IntrusiveList<QueuedSignal, &QueuedSignal::link> queue_;
};

// Dispositions, shared by threads (CLONE_SIGHAND).
class SignalHandlers : public RefCounted {
 public:
  SigAction actions[kSignalCount] = {};
  // Woken (kPollIn) at every signal that becomes pending for a thread or
  // process with these handlers: for signalfd.
  WaitQueue arrivals;
  RefPtr<SignalHandlers> Clone() const;  // null: out of memory
  void ResetForExec();  // handlers to default, ignored stay ignored
  SigAction& action(int signo) { return actions[signo - 1]; }
};

enum class DefaultAction : uint8_t {
  kTerminate,
  kCore,
  kStop,
  kContinue,
  kIgnore
};
DefaultAction DefaultActionOf(int signo);
// Whether sending it would do nothing: SIG_IGN, or SIG_DFL and ignored by
// default.
bool IsIgnored(Process* process, int signo);

// The current thread's mask. SIGKILL and SIGSTOP are taken out; signals that it
// leaves to other threads wake those.
void SetBlockedSignals(SignalSet blocked);
// ppoll, pselect6, epoll_pwait, rt_sigsuspend: another mask during the call.
// End it before returning; when the call was `interrupted` (-kErestartNoHand,
// -EINTR), the old mask comes back after the signals' delivery.
void BeginTemporaryMask(SignalSet blocked);
void EndTemporaryMask(bool interrupted);
// Reads a sigset_t argument. -EINVAL unless size is 8, -EFAULT.
Result<SignalSet> ReadSignalSet(UserAddress from, uint64_t size);
// Takes a pending signal of the current thread or its process.
bool TakeSignal(SignalSet wanted, SigInfo* info);

// Sending. `info` null: SI_KERNEL. Permission checks are the caller's
// (kill(2)).
int SendSignalToThread(Thread* thread, int signo, const SigInfo* info);
int SendSignalToProcess(Process* process, int signo, const SigInfo* info);
void SendSignalToGroup(int pgid, int signo,
                       const SigInfo* info);  // every process of the group
// A fault of the current thread: delivered even if blocked or ignored (then it
// kills).
void ForceSignal(int signo, const SigInfo& info);
// A thread is about to leave its process: others take over what was meant for
// it.
void HandOverSignals(Thread* leaving);
SigInfo KernelSigInfo(int signo);
SigInfo UserSigInfo(int signo,
                    int code);  // from the current process (SI_USER, SI_TKILL)

// True when Block() must end: a deliverable signal, or the thread is being
// killed.
bool HasDeliverableSignal(Thread* thread);
// The thread is to end: its exit is requested, or SIGKILL is pending.
bool IsBeingKilled(Thread* thread);
// True when DeliverSignals has something to do: a deliverable signal, a call to
// restart, a mask to restore.
bool NeedsSignalWork(Thread* thread, const TrapFrame& frame);
// Called on the way out of the kernel: takes signals, runs default actions
// (stop, terminate), builds at most one handler frame, turns -kErestart*
// results into -EINTR or a restart.
void DeliverSignals(TrapFrame* frame);

// arch/signal_frame.cc: 0, or -EFAULT (caller kills with SIGSEGV).
int PushSignalFrame(TrapFrame* frame, const SigAction& action,
                    const SigInfo& info, SignalSet mask_to_restore);
int64_t PopSignalFrame(TrapFrame* frame);  // rt_sigreturn

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_SIGNAL_H_
