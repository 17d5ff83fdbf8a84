// SPDX-License-Identifier: Apache-2.0
//
// Which children a wait is for, and what of theirs it reports (wait(2)). Pure.
#ifndef CRVM_GUESTKERNEL_PROCESS_WAIT_RULES_H_
#define CRVM_GUESTKERNEL_PROCESS_WAIT_RULES_H_

#include <cstdint>

namespace gk {

enum WaitOptions : uint32_t {  // uapi/linux/wait.h
  kWaitNoHang = 1,
  kWaitStopped = 2,  // WUNTRACED
  kWaitExited = 4,
  kWaitContinued = 8,
  kWaitNoWait = 0x01000000,
  kWaitNoThread = 0x20000000,  // __WNOTHREAD
  kWaitAll = 0x40000000,       // __WALL
  kWaitClone = 0x80000000,     // __WCLONE
};

struct WaitTarget {
  enum class Kind { kAny, kPid, kGroup } kind = Kind::kAny;
  int id = 0;
};

struct WaitChild {  // what the rules look at
  int pid, pgid, exit_signal;
  bool zombie, stopped, stop_reported, continued;
};

enum class WaitEvent { kNone, kExited, kStopped, kContinued };

// wait4's pid argument, for a caller in group `own_group`. False: -ESRCH.
bool WaitTargetOf(int pid, int own_group, WaitTarget* target);
bool WaitMatches(const WaitTarget& target, uint32_t options,
                 const WaitChild& child);
// What `options` ask for and the child has to tell.
WaitEvent WaitEventOf(uint32_t options, const WaitChild& child);

// The status word of wait4.
constexpr int StoppedStatus(int signo) { return signo << 8 | 0x7f; }
inline constexpr int kContinuedStatus = 0xffff;

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_WAIT_RULES_H_
