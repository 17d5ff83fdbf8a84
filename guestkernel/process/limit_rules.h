// SPDX-License-Identifier: Apache-2.0
//
// Which changes of resource limits are allowed (getrlimit(2)). Pure.
#ifndef CRVM_GUESTKERNEL_PROCESS_LIMIT_RULES_H_
#define CRVM_GUESTKERNEL_PROCESS_LIMIT_RULES_H_

#include <cstdint>

namespace gk {

inline constexpr uint64_t kMaxOpenFiles = 1048576;  // /proc/sys/fs/nr_open

// 0, -EINVAL (no such resource, soft above hard), -EPERM (raises the hard
// limit without `privileged`; more files than there can be).
int CheckLimitChange(int resource, uint64_t old_hard, uint64_t soft,
                     uint64_t hard, bool privileged);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_LIMIT_RULES_H_
