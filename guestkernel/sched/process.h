// SPDX-License-Identifier: Apache-2.0
//
// A process (thread group): what fork makes and wait reaps. PID 1 is the
// kernel's own init, which adopts orphans; the program named on the command
// line is PID 2, a session leader. When it ends, the VM ends with its status.
// Owner: process.
#ifndef CRVM_GUESTKERNEL_SCHED_PROCESS_H_
#define CRVM_GUESTKERNEL_SCHED_PROCESS_H_

#include <cstdint>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/fs/fs_context.h"
#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/thread.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

class Tty;
struct ItimerState;     // sched/itimer.h
class PosixTimerTable;  // sched/posix_timer.h

struct ResourceLimit {
  uint64_t soft, hard;
};
inline constexpr int kResourceLimitCount = 16;

struct ResourceUsage {
  uint64_t user_ns = 0, system_ns = 0, minor_faults = 0, major_faults = 0,
           voluntary_switches = 0, involuntary_switches = 0,
           max_resident_kib = 0;
};

enum class ProcessState : uint8_t { kRunning, kStopped, kZombie, kReaped };

class Process : public RefCounted {
 public:
  Process();
  int pid = 0;
  Process* parent = nullptr;
  ListLink sibling_link;
  IntrusiveList<Process, &Process::sibling_link> children;
  ListLink all_link;  // every process, in pid order of creation
  IntrusiveList<Thread, &Thread::process_link>
      threads;  // live ones; the leader first while it lives
  int thread_count = 0;

  RefPtr<AddressSpace> memory;  // null once exited
  RefPtr<FdTable> files;
  RefPtr<FsContext> fs;  // cwd, root, umask
  RefPtr<SignalHandlers> handlers;
  PendingSignals pending;  // process-directed

  int pgid = 0, sid = 0;
  RefPtr<Tty> tty;  // controlling terminal
  bool tty_old_pgrp_sent_hup = false;

  ProcessState state = ProcessState::kRunning;
  int exit_status = 0;  // as wait4 gives it
  bool group_exit = false;
  int exit_signal = 17;  // sent to the parent at exit (SIGCHLD)
  bool stop_reported = false,
       continued = false;  // WUNTRACED / WCONTINUED bookkeeping
  int stop_signal = 0;
  bool executed = false;  // did execve since fork (setpgid rule)
  bool child_subreaper = false;
  bool dumpable = true;
  WaitQueue child_events;   // wait4 of this process
  WaitQueue exit_events;    // pidfd poll
  WaitQueue thread_events;  // exec/exit waiting for threads to go

  ResourceLimit limits[kResourceLimitCount] = {};
  ResourceUsage dead_threads_usage, children_usage;
  RefPtr<File> executable;  // /proc/PID/exe
  KString executable_path;
  UniquePtr<ItimerState> itimers;
  UniquePtr<PosixTimerTable> posix_timers;
  RefPtr<RefCounted> cpu_limit;  // process/cpu_limit.cc; null: never needed
  uint64_t start_ns = 0;
  int oom_score_adj = 0;
  uint32_t personality = 0;

  Thread* exec_thread = nullptr;   // execve in progress: the others must go
  bool is_kernel = false;          // PID 1: no program, cannot be signalled
  bool keep_capabilities = false;  // PR_SET_KEEPCAPS
  uint32_t securebits = 0;         // PR_SET_SECUREBITS
  uint64_t timer_slack_ns = 50000;
  // Of the last thread to exit, for those who look at a zombie.
  uint32_t exit_uid = 0, exit_suid = 0, exit_gid = 0;
  char exit_name[16] = {};

  ~Process() override;
};

Process* CurrentProcess();      // null only before StartInit
Process* FindProcess(int pid);  // zombies too; not referenced
// A live thread of the process (the leader while it lives), or null.
Thread* RepresentativeThread(Process* process);
// The real user id, of a zombie too.
uint32_t UserIdOf(Process* process);
size_t ProcessCount();
Process* InitProcess();   // PID 1
Process* MainProcess();   // PID 2: the program
Process* FirstProcess();  // iteration: all_link order
Process* NextProcess(Process* process);
bool ProcessGroupExists(int pgid, int sid);
bool IsOrphanedGroup(int pgid);
// Ends the calling process with a wait status (all its threads).
[[noreturn]] void ExitProcess(int wait_status);
[[noreturn]] void ExitThread(int code);
// Job control (sched/job_control.cc). StopProcess marks the process stopped and
// tells its parent; its threads stop themselves on their way to user mode.
// ContinueProcess makes those runnable again.
void StopProcess(Process* process, int signo);
void ContinueProcess(Process* process);
// Told when the program itself (MainProcess) has been stopped: the VMM gives
// the user his shell back.
using ProgramStoppedHook = void (*)(int signo);
void SetProgramStoppedHook(ProgramStoppedHook hook);
// Whether the current thread may send `signo` to `target` (kill(2)).
bool MaySignal(Process* target, int signo);
inline uint64_t Limit(int resource) {
  return CurrentProcess()->limits[resource].soft;
}
// Boot: creates PID 1 and PID 2 and execs the program of BootInfo. Failure ends
// the VM with 126/127 (exec errors).
[[noreturn]] void StartInit();

// Capabilities that the kernel checks (capability.h numbers).
bool HasCapability(int capability);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_PROCESS_H_
