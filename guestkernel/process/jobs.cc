// SPDX-License-Identifier: Apache-2.0
//
// Job control, and who may signal whom.
#include "guestkernel/process/credentials.h"
#include "guestkernel/process/exit.h"
#include "guestkernel/process/process.h"

namespace gk {

void StopProcess(Process* process, int signo) {
  if (process->state != ProcessState::kRunning || process->group_exit) return;
  process->state = ProcessState::kStopped;
  process->stop_signal = signo;
  process->stop_reported = false;
  process->continued = false;
  // Those that sleep come to where they stop.
  for (Thread& thread : process->threads)
    if (&thread != CurrentThread()) InterruptThread(&thread, false);
  NotifyParentOfStop(process, ChildCode::kStopped, signo);
}

void ContinueProcess(Process* process) {
  if (process->state != ProcessState::kStopped) return;
  process->state = ProcessState::kRunning;
  process->stop_reported = false;
  process->continued = true;
  for (Thread& thread : process->threads)
    if (thread.state == ThreadState::kStopped) MakeRunnable(&thread);
  NotifyParentOfStop(process, ChildCode::kContinued, kSigCont);
}

bool MaySignal(Process* target, int signo) {
  Process* self = CurrentProcess();
  if (target == self) return true;
  const Credentials& me = CurrentThread()->credentials;
  if (Has(me, kCapKill)) return true;
  if (target->is_kernel) return false;
  Thread* thread = RepresentativeThread(target);
  uint32_t uid = thread ? thread->credentials.uid : target->exit_uid;
  uint32_t suid = thread ? thread->credentials.suid : target->exit_suid;
  if (me.uid == uid || me.uid == suid || me.euid == uid || me.euid == suid)
    return true;
  return signo == kSigCont && target->sid == self->sid;
}

bool HasCapability(int capability) {
  return Has(CurrentThread()->credentials, capability);
}

}  // namespace gk
