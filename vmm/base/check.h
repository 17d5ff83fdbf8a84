// SPDX-License-Identifier: Apache-2.0
//
// CRVM_CHECK(cond) stops the process when crvm itself is at fault. Never for
// what a guest, a file, a peer or the host can get wrong: those are a Status.
// Always on, in every build mode. Any thread.

#ifndef CRVM_VMM_BASE_CHECK_H_
#define CRVM_VMM_BASE_CHECK_H_

namespace crvm::check_internal {

[[noreturn]] void CheckFailed(const char* file, int line, const char* what);

}  // namespace crvm::check_internal

#define CRVM_CHECK(cond)                           \
  (__builtin_expect(static_cast<bool>(cond), true) \
       ? (void)0                                   \
       : ::crvm::check_internal::CheckFailed(__FILE__, __LINE__, #cond))

#endif  // CRVM_VMM_BASE_CHECK_H_
