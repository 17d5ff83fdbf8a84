// SPDX-License-Identifier: Apache-2.0
//
// See wait_rules.h.
#include "guestkernel/process/wait_rules.h"

namespace gk {
namespace {

constexpr int kSigChld = 17;

}  // namespace

bool WaitTargetOf(int pid, int own_group, WaitTarget* target) {
  if (pid == INT32_MIN) return false;
  if (pid == -1) {
    *target = {WaitTarget::Kind::kAny, 0};
  } else if (pid > 0) {
    *target = {WaitTarget::Kind::kPid, pid};
  } else {
    *target = {WaitTarget::Kind::kGroup, pid == 0 ? own_group : -pid};
  }
  return true;
}

bool WaitMatches(const WaitTarget& target, uint32_t options,
                 const WaitChild& child) {
  if (target.kind == WaitTarget::Kind::kPid && child.pid != target.id)
    return false;
  if (target.kind == WaitTarget::Kind::kGroup && child.pgid != target.id)
    return false;
  if (options & kWaitAll) return true;
  bool is_clone = child.exit_signal != kSigChld;
  return is_clone == ((options & kWaitClone) != 0);
}

WaitEvent WaitEventOf(uint32_t options, const WaitChild& child) {
  if (child.zombie)
    return options & kWaitExited ? WaitEvent::kExited : WaitEvent::kNone;
  if (child.stopped && !child.stop_reported && (options & kWaitStopped))
    return WaitEvent::kStopped;
  if (child.continued && (options & kWaitContinued))
    return WaitEvent::kContinued;
  return WaitEvent::kNone;
}

}  // namespace gk
