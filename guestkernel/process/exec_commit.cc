// SPDX-License-Identifier: Apache-2.0
//
// The second half of execve: the process becomes the new program. What a
// process keeps and loses: execve(2), "Effect on process attributes".
#include "guestkernel/fs/path.h"
#include "guestkernel/process/credentials.h"
#include "guestkernel/process/exec.h"
#include "guestkernel/process/exit.h"
#include "guestkernel/process/pid.h"
#include "guestkernel/process/process.h"
#include "guestkernel/sched/futex.h"
#include "guestkernel/sched/itimer.h"
#include "guestkernel/sched/posix_timer.h"

namespace gk {
namespace {

constexpr uint64_t kUserRflags = 0x202;  // IF, and bit 1 which is always set

// What is needed after the point of no return, so that nothing fails there.
struct Prepared {
  RefPtr<FdTable> files;            // null: the process's own will do
  RefPtr<SignalHandlers> handlers;  // likewise
  KString path;
};

Result<Prepared> Prepare(Process* process, const ExecImage& image) {
  Prepared prepared;
  if (process->files->ref_count() > 1) {
    GK_ASSIGN_OR_RETURN(prepared.files, process->files->Clone());
  }
  if (process->handlers->ref_count() > 1) {
    prepared.handlers = process->handlers->Clone();
    if (!prepared.handlers) return Error(-ENOMEM);
  }
  if (image.executable->dentry()) {
    GK_ASSIGN_OR_RETURN(prepared.path, PathOf(image.executable->dentry()));
  }
  return prepared;
}

// Makes `thread`, the only one left, the leader: it takes over the process's
// number, whose first owner is gone.
void BecomeLeader(Process* process, Thread* thread) {
  if (thread->tid == process->pid) return;
  SetPidThread(thread->tid, nullptr);
  ReleasePid(thread->tid);
  thread->tid = process->pid;
  HoldPid(thread->tid);
  SetPidThread(thread->tid, thread);
}

// Waits until this thread is the only one.
int EndOtherThreads(Process* process, Thread* thread) {
  if (thread->exiting || process->group_exit || process->exec_thread)
    return -EAGAIN;
  process->exec_thread = thread;
  KillOtherThreads(process, thread);
  int error = WaitUntil(
      process->thread_events, [&] { return process->thread_count == 1; },
      Deadline::Never(), Interruptible::kKillableOnly);
  process->exec_thread = nullptr;
  return error ? -EAGAIN : 0;
}

void SetName(Thread* thread, StringView shown_name) {
  size_t from = shown_name.size();
  while (from > 0 && shown_name[from - 1] != '/') --from;
  StringView base = shown_name.substr(from, sizeof(thread->name) - 1);
  memset(thread->name, 0, sizeof(thread->name));
  memcpy(thread->name, base.data(), base.size());
}

void ResetThread(Thread* thread) {
  thread->clear_child_tid = UserAddress();
  thread->robust_list = UserAddress();
  thread->robust_list_size = 0;
  thread->alt_stack_base = thread->alt_stack_size = 0;
  thread->alt_stack_flags = 2;  // SS_DISABLE
  thread->restart_block = RestartBlock();
}

void ResetProcess(Process* process, Prepared& prepared) {
  if (prepared.files) process->files = std::move(prepared.files);
  process->files->CloseOnExec();
  if (prepared.handlers) process->handlers = std::move(prepared.handlers);
  process->handlers->ResetForExec();
  process->executable_path = std::move(prepared.path);
  process->executed = true;
  process->dumpable = true;
  process->exit_signal = kSigChild;
  process->keep_capabilities = false;
}

void SetRegisters(Thread* thread, const ExecImage& image) {
  TrapFrame* frame = thread->frame();
  *frame = TrapFrame{};
  frame->vector = kSyscallVector;
  frame->error_code = ~uint64_t{0};
  frame->rip = image.entry;
  frame->cs = crvm::abi::kUserCs;
  frame->rflags = kUserRflags;
  frame->rsp = image.stack_pointer;
  frame->ss = crvm::abi::kUserDs;
  WriteFsBase(0);
  WriteGsBase(0);
  FpuInit(thread->fpu);
  FpuRestore(thread->fpu);
}

}  // namespace

int CommitExec(ExecImage& image, StringView shown_name) {
  Thread* thread = CurrentThread();
  Process* process = thread->process;
  auto prepared = Prepare(process, image);
  if (!prepared.ok()) return prepared.error();
  GK_RETURN_IF_ERROR(EndOtherThreads(process, thread));
  // The point of no return. Timers may refer to threads that are gone.
  process->posix_timers.reset();
  BecomeLeader(process, thread);
  // The old memory is still there for the robust list.
  if (process->memory) FutexExit(thread);
  ResetThread(thread);
  ResetProcess(process, *prepared);
  process->executable = image.executable;
  std::swap(process->memory, image.memory);
  process->memory->Activate();
  image.memory.reset();
  ReleaseVforkParent(thread);
  CapabilitiesAfterExec(&thread->credentials, process->securebits);
  SetName(thread, shown_name);
  SetRegisters(thread, image);
  return 0;
}

}  // namespace gk
