// SPDX-License-Identifier: Apache-2.0
//
// _exit(2), exit_group(2), and dying by a signal: a thread leaves; the last one
// takes the process with it; the main program takes the VM with it.
#include "guestkernel/process/exit.h"

#include "guestkernel/fs/mount.h"
#include "guestkernel/process/pid.h"
#include "guestkernel/process/process.h"
#include "guestkernel/process/syscalls.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/sched/futex.h"
#include "guestkernel/sched/itimer.h"
#include "guestkernel/sched/posix_timer.h"

namespace gk {
namespace {

// Dirty pages of host files back to the host, output to the terminal (if it is
// stopped by ^S, after ^Q); then the VM ends.
[[noreturn]] void EndMachine(int wait_status) {
  WriteBackAllFileSystems();
  CurrentThread()->blocked = SignalSet{~uint64_t{0}};
  CurrentThread()->exiting = false;
  DrainConsole();
  GetKernelInfo().init_exit_status = wait_status;
  for (;;) RingDoorbell(crvm::abi::Doorbell::kExit, wait_status);
}

void KeepUsage(Process* process, Thread* thread) {
  ResourceUsage& usage = process->dead_threads_usage;
  usage.user_ns += thread->user_ns;
  usage.system_ns += thread->system_ns;
  usage.minor_faults += thread->minor_faults;
  usage.major_faults += thread->major_faults;
  usage.voluntary_switches += thread->voluntary_switches;
  usage.involuntary_switches += thread->involuntary_switches;
}

// What only a process has. The last thread still counts as its thread.
void ReleaseResources(Process* process, Thread* last) {
  process->exit_uid = last->credentials.uid;
  process->exit_suid = last->credentials.suid;
  process->exit_gid = last->credentials.gid;
  process->itimers.reset();
  process->posix_timers.reset();
  process->cpu_limit.reset();
  if (process->memory) {
    uint64_t peak = process->memory->peak_resident_pages * 4;
    if (peak > process->dead_threads_usage.max_resident_kib)
      process->dead_threads_usage.max_resident_kib = peak;
    // Not on page tables that are about to be freed.
    if (process->memory->ref_count() == 1) LoadAddressSpace(BootRootGpa());
    process->memory.reset();
  }
  if (process->files) {
    if (process->files->ref_count() == 1) process->files->CloseAll();
    process->files.reset();
  }
  process->fs.reset();
  process->executable.reset();
  process->pending.Discard(SignalSet{~uint64_t{0}});
}

// Of the last thread. True: the process is gone altogether.
void EndProcess(Process* process, Thread* last) {
  bool is_main = process == MainProcess();
  int status = process->exit_status;
  LeaveTty(process);
  ReleaseResources(process, last);
  if (is_main) EndMachine(status);
  ReparentChildren(process);
  DetachThread(last);
  process->state = ProcessState::kZombie;
  HangUpOrphanedGroup(process->pgid, process->sid, process);
  process->exit_events.WakeAll();
  if (NotifyParentOfExit(process)) ReapProcess(process);
}

}  // namespace

void ReleaseVforkParent(Thread* thread) {
  WaitQueue* queue = thread->vfork_done;
  if (!queue) return;
  thread->vfork_done = nullptr;
  thread->vfork_released = true;
  queue->WakeAll();
}

void ExitThread(int code) {
  Thread* thread = CurrentThread();
  Process* process = thread->process;
  if (process->memory) FutexExit(thread);
  ReleaseVforkParent(thread);
  if (thread->tid == process->pid)
    memcpy(process->exit_name, thread->name, sizeof(process->exit_name));
  ChargeCurrentThread();
  KeepUsage(process, thread);
  // Without exit_group, the leader's code is the process's.
  bool is_leader = thread->tid == process->pid;
  if (is_leader && !process->group_exit)
    process->exit_status = (code & 0xff) << 8;
  if (process->thread_count == 1) {
    process->group_exit = true;
    EndProcess(process, thread);
  } else {
    HandOverSignals(thread);
    DetachThread(thread);
    process->thread_events.WakeAll();
  }
  ExitCurrentThread();
}

void ExitProcess(int wait_status) {
  Thread* thread = CurrentThread();
  Process* process = thread->process;
  // The first to decide wins; a thread that makes room for execve only leaves.
  bool leaves_for_exec = process->exec_thread && process->exec_thread != thread;
  if (!process->group_exit && !leaves_for_exec) {
    process->group_exit = true;
    process->exit_status = wait_status;
    KillOtherThreads(process, thread);
  }
  ExitThread(0);
}

int64_t SysExit(const SyscallArgs& args) { ExitThread(args.Int(0)); }

int64_t SysExitGroup(const SyscallArgs& args) {
  ExitProcess((args.Int(0) & 0xff) << 8);
}

}  // namespace gk
