// SPDX-License-Identifier: Apache-2.0
//
// Stopping and continuing processes, and telling their parents. Any thread, in
// the kernel.
#include <asm/signal.h>

#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"

namespace gk {
namespace {

// si_code of SIGCHLD, include/uapi/asm-generic/siginfo.h.
constexpr int kCldStopped = 5;
constexpr int kCldContinued = 6;
constexpr int64_t kNsPerTick = 10'000'000;  // siginfo counts in clock_t

void NotifyParent(Process* process, int code, int signo) {
  Process* parent = process->parent;
  if (!parent || !parent->handlers) return;
  const SigAction& action = parent->handlers->action(SIGCHLD);
  if (!(action.flags & SA_NOCLDSTOP) &&
      action.handler != reinterpret_cast<uint64_t>(SIG_IGN)) {
    SigInfo info = {};
    info.signo = SIGCHLD;
    info.code = code;
    info.child.pid = process->pid;
    Thread* thread = process->threads.front();
    info.child.uid = thread ? thread->credentials.uid : 0;
    info.child.status = signo;
    CpuTime time = ProcessCpuTime(process);
    info.child.utime = static_cast<int64_t>(time.user_ns) / kNsPerTick;
    info.child.stime = static_cast<int64_t>(time.system_ns) / kNsPerTick;
    (void)SendSignalToProcess(parent, SIGCHLD, &info);
  }
  parent->child_events.WakeAll();
}

ProgramStoppedHook g_program_stopped = nullptr;

}  // namespace

void SetProgramStoppedHook(ProgramStoppedHook hook) {
  g_program_stopped = hook;
}

void StopProcess(Process* process, int signo) {
  if (process->state != ProcessState::kRunning) return;
  process->state = ProcessState::kStopped;
  process->stop_signal = signo;
  process->stop_reported = false;
  process->continued = false;
  NotifyParent(process, kCldStopped, signo);
  if (process == MainProcess() && g_program_stopped) g_program_stopped(signo);
}

void ContinueProcess(Process* process) {
  if (process->state != ProcessState::kStopped) return;
  process->state = ProcessState::kRunning;
  process->continued = true;
  process->stop_reported = false;
  for (Thread& thread : process->threads) {
    if (thread.state == ThreadState::kStopped) MakeRunnable(&thread);
  }
  NotifyParent(process, kCldContinued, SIGCONT);
}

}  // namespace gk
