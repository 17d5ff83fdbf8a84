// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace crvm::check_internal {

void CheckFailed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "crvm: internal error: %s:%d: CHECK failed: %s\n", file,
               line, what);
  std::abort();
}

}  // namespace crvm::check_internal
