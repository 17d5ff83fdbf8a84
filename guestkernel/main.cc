// SPDX-License-Identifier: Apache-2.0
//
// The first C++ of the guest kernel: brings the subsystems up in the order of
// their dependencies and becomes the scheduler.
#include <asm/errno.h>

#include "guestkernel/arch/arch.h"
#include "guestkernel/drivers/drivers.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/mm/frame.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/scheduler.h"
#include "guestkernel/syscall/table.h"

namespace gk {
namespace {

namespace abi = crvm::abi;

// PID 1's thread: what needs a thread to run in (page faults, waiting).
void FirstThread(void*) {
  if (int error = MountAll()) Panic("mounting failed: error %d", error);
  StartInit();
}

}  // namespace

extern "C" [[noreturn]] void KernelMain() {
  const abi::BootInfo& boot = GetBootInfo();
  if (boot.magic != abi::kBootInfoMagic ||
      boot.abi_version != abi::kAbiVersion) {
    Panic("boot info of another version: kernel and VMM do not match");
  }
  FrameAllocatorInit(abi::kFirstFreeGpa, boot.memory_size);
  SyscallTableInit();
  SchedulerInit();
  DriversInit();
  auto thread = CreateKernelThread("init", &FirstThread, nullptr);
  if (!thread.ok()) Panic("no memory for the first thread; use --memory");
  MakeRunnable(thread->get());
  StartScheduler();
}

}  // namespace gk
