// SPDX-License-Identifier: Apache-2.0
//
// See limit_rules.h.
#include "guestkernel/process/limit_rules.h"

#include "guestkernel/lib/errno.h"

namespace gk {
namespace {

constexpr int kResources = 16, kFiles = 7;  // asm-generic/resource.h

}  // namespace

int CheckLimitChange(int resource, uint64_t old_hard, uint64_t soft,
                     uint64_t hard, bool privileged) {
  if (resource < 0 || resource >= kResources) return -EINVAL;
  if (soft > hard) return -EINVAL;
  if (resource == kFiles && hard > kMaxOpenFiles && hard > old_hard)
    return -EPERM;
  if (hard > old_hard && !privileged) return -EPERM;
  return 0;
}

}  // namespace gk
