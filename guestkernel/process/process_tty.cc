// SPDX-License-Identifier: Apache-2.0
//
// Construction and destruction of a process, and what else must know the types
// that Process only points to: terminals, timers.
#include "guestkernel/process/process.h"
#include "guestkernel/sched/itimer.h"
#include "guestkernel/sched/posix_timer.h"
#include "guestkernel/tty/tty.h"

namespace gk {

Process::Process() = default;
Process::~Process() = default;

void InheritTty(Process* from, Process* to) { to->tty = from->tty; }

void LeaveTty(Process* process) {
  if (process->sid == process->pid && process->tty) TtyHangupSession(process);
  process->tty.reset();
}

void DrainConsole() {
  constexpr uint32_t kTcsbrk = 0x5409;  // tcdrain(3)
  if (Tty* console = ConsoleTerminal()) console->Ioctl(kTcsbrk, 1);
}

}  // namespace gk
