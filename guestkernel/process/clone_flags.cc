// SPDX-License-Identifier: Apache-2.0
//
// See clone_flags.h; the rules are those of clone(2), ERRORS.
#include "guestkernel/process/clone_flags.h"

#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/errno.h"

namespace gk {

int CheckCloneFlags(uint64_t flags, bool may_make_namespaces) {
  if ((flags & kCloneThread) && !(flags & kCloneSigHand)) return -EINVAL;
  if ((flags & kCloneSigHand) && !(flags & kCloneVm)) return -EINVAL;
  if ((flags & kCloneFs) && (flags & (kCloneNewNs | kCloneNewUser)))
    return -EINVAL;
  if ((flags & (kCloneThread | kCloneParent)) &&
      (flags & (kCloneNewUser | kCloneNewPid)))
    return -EINVAL;
  if ((flags & kClonePidfd) && (flags & (kCloneDetached | kCloneThread)))
    return -EINVAL;
  // As a Linux without them: EINVAL; it looks at the privilege first, but any
  // user may make a user namespace.
  if (flags & kCloneNamespaces) {
    bool needs_privilege = flags & kCloneNamespaces & ~kCloneNewUser;
    return needs_privilege && !may_make_namespaces ? -EPERM : -EINVAL;
  }
  return 0;
}

int CheckClone3Args(const CloneArgs& a) {
  constexpr uint64_t kKnown = 0x3ffffffff;
  if (a.flags & ~kKnown) return -EINVAL;
  if (a.flags & (kCloneDetached | (kCloneExitSignalMask & ~kCloneNewTime)))
    return -EINVAL;
  if ((a.flags & kCloneSigHand) && (a.flags & kCloneClearSigHand))
    return -EINVAL;
  if ((a.flags & (kCloneThread | kCloneParent)) && a.exit_signal != 0)
    return -EINVAL;
  if (a.exit_signal > 64) return -EINVAL;
  if ((a.stack == 0) != (a.stack_size == 0)) return -EINVAL;
  if (a.stack > crvm::abi::kUserEnd ||
      a.stack_size > crvm::abi::kUserEnd - a.stack)
    return -EINVAL;
  // Choosing pids and cgroups: not here.
  if (a.set_tid != 0 || a.set_tid_size != 0) return -EINVAL;
  if (a.flags & kCloneIntoCgroup) return -EINVAL;
  return 0;
}

}  // namespace gk
