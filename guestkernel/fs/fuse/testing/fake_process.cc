// SPDX-License-Identifier: Apache-2.0
//
// There is no process in the tests of the file client.
#include "guestkernel/sched/process.h"

namespace gk {

Process* CurrentProcess() { return nullptr; }

}  // namespace gk
