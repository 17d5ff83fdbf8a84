// SPDX-License-Identifier: Apache-2.0
//
// Signals: sets, queued siginfo, dispositions. Sending, taking and delivering
// are in sched/signal*.cc; the frame on the user stack is in
// arch/signal_frame.cc. See signal(7).
#ifndef CRVM_GUESTKERNEL_SCHED_SIGNAL_H_
#define CRVM_GUESTKERNEL_SCHED_SIGNAL_H_

#include <cstdint>

#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/lib/ref_ptr.h"

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
  bool Has(int signo) const { return bits & Bit(signo); }
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
  // 0, or -EAGAIN when a real-time signal cannot be queued. Standard signals
  // always get through (info may be lost).
  int Add(const SigInfo& info);
  // Takes the lowest-numbered (synchronous ones first) signal in `wanted`;
  // false when none.
  bool Take(SignalSet wanted, SigInfo* info);
  void Discard(SignalSet which);

 private:
  friend class PosixTimer;
  SignalSet set_;
  IntrusiveList<QueuedSignal, &QueuedSignal::link> queue_;
};

// Dispositions, shared by threads (CLONE_SIGHAND).
class SignalHandlers : public RefCounted {
 public:
  SigAction actions[kSignalCount] = {};
  RefPtr<SignalHandlers> Clone() const;  // null: out of memory
  void ResetForExec();  // handlers to default, ignored stay ignored
  SigAction& action(int signo) { return actions[signo - 1]; }
};

// Sending. `info` null: SI_KERNEL. Permission checks are the caller's
// (kill(2)).
int SendSignalToThread(Thread* thread, int signo, const SigInfo* info);
int SendSignalToProcess(Process* process, int signo, const SigInfo* info);
void SendSignalToGroup(int pgid, int signo,
                       const SigInfo* info);  // every process of the group
// A fault of the current thread: delivered even if blocked or ignored (then it
// kills).
void ForceSignal(int signo, const SigInfo& info);
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
