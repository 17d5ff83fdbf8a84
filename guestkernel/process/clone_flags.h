// SPDX-License-Identifier: Apache-2.0
//
// The flags of clone(2) and which of them go together. Pure.
#ifndef CRVM_GUESTKERNEL_PROCESS_CLONE_FLAGS_H_
#define CRVM_GUESTKERNEL_PROCESS_CLONE_FLAGS_H_

#include <cstddef>
#include <cstdint>

namespace gk {

enum CloneFlags : uint64_t {  // uapi/linux/sched.h
  kCloneNewTime = 0x80,
  kCloneVm = 0x100,
  kCloneFs = 0x200,
  kCloneFiles = 0x400,
  kCloneSigHand = 0x800,
  kClonePidfd = 0x1000,
  kClonePtrace = 0x2000,
  kCloneVfork = 0x4000,
  kCloneParent = 0x8000,
  kCloneThread = 0x10000,
  kCloneNewNs = 0x20000,
  kCloneSysvSem = 0x40000,
  kCloneSetTls = 0x80000,
  kCloneParentSetTid = 0x100000,
  kCloneChildClearTid = 0x200000,
  kCloneDetached = 0x400000,
  kCloneUntraced = 0x800000,
  kCloneChildSetTid = 0x1000000,
  kCloneNewCgroup = 0x2000000,
  kCloneNewUts = 0x4000000,
  kCloneNewIpc = 0x8000000,
  kCloneNewUser = 0x10000000,
  kCloneNewPid = 0x20000000,
  kCloneNewNet = 0x40000000,
  kCloneIo = 0x80000000,
  kCloneClearSigHand = 0x100000000,
  kCloneIntoCgroup = 0x200000000,
};
inline constexpr uint64_t kCloneNamespaces =
    kCloneNewTime | kCloneNewNs | kCloneNewCgroup | kCloneNewUts |
    kCloneNewIpc | kCloneNewUser | kCloneNewPid | kCloneNewNet;
inline constexpr uint64_t kCloneExitSignalMask = 0xff;

struct CloneArgs {  // struct clone_args
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
  uint64_t stack, stack_size, tls;  // version 0
  uint64_t set_tid, set_tid_size;   // version 1
  uint64_t cgroup;                  // version 2
};
static_assert(sizeof(CloneArgs) == 88);
inline constexpr size_t kCloneArgsSize0 = 64;
static_assert(offsetof(CloneArgs, set_tid) == kCloneArgsSize0);

// Checks what both calls have in common. 0, -EINVAL, -EPERM (a namespace,
// which there are none of; only the privileged are told so).
int CheckCloneFlags(uint64_t flags, bool may_make_namespaces);
// And what only clone3 can say.
int CheckClone3Args(const CloneArgs& args);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_CLONE_FLAGS_H_
