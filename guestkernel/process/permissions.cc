// SPDX-License-Identifier: Apache-2.0
//
// Who may signal whom, and what the current thread may do.
#include "guestkernel/process/credentials.h"
#include "guestkernel/process/process.h"

namespace gk {

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
