// SPDX-License-Identifier: Apache-2.0
//
// See tty_test_util.h.
#include "guestkernel/tty/testing/tty_test_util.h"

#include "guestkernel/sched/process.h"

namespace gk {

// The real one is in process/.
bool ProcessGroupExists(int pgid, int sid) {
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    if (p->pgid == pgid && p->sid == sid) return true;
  }
  return false;
}

}  // namespace gk
