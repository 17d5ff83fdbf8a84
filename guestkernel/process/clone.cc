// SPDX-License-Identifier: Apache-2.0
//
// fork(2), vfork(2), clone(2), clone3(2): new threads and processes.
#include "guestkernel/arch/arch.h"
#include "guestkernel/process/clone_flags.h"
#include "guestkernel/process/cpu_limit.h"
#include "guestkernel/process/credentials.h"
#include "guestkernel/process/exit.h"
#include "guestkernel/process/pid.h"
#include "guestkernel/process/pidfd.h"
#include "guestkernel/process/process.h"
#include "guestkernel/process/start_thread.h"
#include "guestkernel/process/syscalls.h"

namespace gk {
namespace {

// What both system calls boil down to.
struct CloneRequest {
  uint64_t flags = 0;
  int exit_signal = 0;
  uint64_t stack_pointer = 0;  // 0: the caller's
  UserAddress parent_tid, child_tid, pidfd;
  uint64_t tls = 0;
};

// The new thread's first act, in its own address space.
void BeginChild(void* child_tid) {
  UserAddress at(reinterpret_cast<uint64_t>(child_tid));
  if (at.is_null()) return;
  // As Linux: a bad address is the program's own trouble.
  (void)!WriteUser(at, CurrentThread()->tid);
}

void CopyThreadState(const CloneRequest& request, Thread* from, Thread* to) {
  *to->frame() = *from->frame();
  TrapFrame* frame = to->frame();
  frame->rax = 0;
  frame->error_code = ~uint64_t{0};  // nothing to restart
  if (request.stack_pointer) frame->rsp = request.stack_pointer;
  FpuSave(to->fpu);
  to->fs_base = request.flags & kCloneSetTls ? request.tls : ReadFsBase();
  to->gs_base = ReadGsBase();
  memcpy(to->name, from->name, sizeof(to->name));
  to->blocked = from->restore_blocked ? from->saved_blocked : from->blocked;
  // A child on the same stack goes on using the alternate one (vfork).
  if (!(request.flags & kCloneVm) || (request.flags & kCloneVfork)) {
    to->alt_stack_base = from->alt_stack_base;
    to->alt_stack_size = from->alt_stack_size;
    to->alt_stack_flags = from->alt_stack_flags;
  }
  to->credentials = from->credentials;
  to->no_new_privileges = from->no_new_privileges;
  to->nice = from->reset_on_fork && from->nice < 0 ? 0 : from->nice;
  if (!from->reset_on_fork) {
    to->policy = from->policy;
    to->realtime_priority = from->realtime_priority;
  }
  to->cpu_mask = from->cpu_mask;
  if (request.flags & kCloneChildClearTid)
    to->clear_child_tid = request.child_tid;
}

int CopyHandlers(uint64_t flags, Process* from, Process* to) {
  if (flags & kCloneSigHand) {
    to->handlers = from->handlers;
    return 0;
  }
  to->handlers = from->handlers->Clone();
  if (!to->handlers) return -ENOMEM;
  if (flags & kCloneClearSigHand) to->handlers->ResetForExec();
  return 0;
}

int CopyFiles(uint64_t flags, Process* from, Process* to) {
  if (flags & kCloneFiles) {
    to->files = from->files;
  } else {
    auto files = from->files->Clone();
    if (!files.ok()) return files.error();
    to->files = files.take();
  }
  to->fs = flags & kCloneFs ? from->fs : from->fs->Clone();
  return to->fs ? 0 : -ENOMEM;
}

int CopyMemory(uint64_t flags, Process* from, Process* to) {
  if (flags & kCloneVm) {
    to->memory = from->memory;
    return 0;
  }
  // Both sides go on in the same frame of the stack and with the same TCB.
  const uint64_t hot[] = {CurrentThread()->frame()->rsp, ReadFsBase()};
  auto memory = from->memory->Fork(hot, 2);
  if (!memory.ok()) return memory.error();
  to->memory = memory.take();
  return 0;
}

int CopyPath(const KString& from, KString* to) {
  return to->Append(from.view());
}

Result<RefPtr<Process>> CopyProcess(const CloneRequest& request,
                                    Process* from) {
  auto to = MakeRef<Process>();
  if (!to) return Error(-ENOMEM);
  GK_RETURN_IF_ERROR(CopyHandlers(request.flags, from, to.get()));
  GK_RETURN_IF_ERROR(CopyFiles(request.flags, from, to.get()));
  GK_RETURN_IF_ERROR(CopyPath(from->executable_path, &to->executable_path));
  to->pgid = from->pgid;
  to->sid = from->sid;
  InheritTty(from, to.get());
  to->exit_signal = request.exit_signal;
  to->dumpable = from->dumpable;
  memcpy(to->limits, from->limits, sizeof(to->limits));
  to->executable = from->executable;
  to->oom_score_adj = from->oom_score_adj;
  to->personality = from->personality;
  to->keep_capabilities = from->keep_capabilities;
  to->securebits = from->securebits;
  to->timer_slack_ns = from->timer_slack_ns;
  to->start_ns = MonotonicNs();
  GK_RETURN_IF_ERROR(WatchCpuLimit(to.get()));
  // Last: the longest, and copy-on-write costs the parent faults.
  GK_RETURN_IF_ERROR(CopyMemory(request.flags, from, to.get()));
  return to;
}

int CheckThreadLimit(Process* process, Thread* thread) {
  const Credentials& c = thread->credentials;
  if (c.uid == 0 || Has(c, kCapSysResource) || Has(c, kCapSysAdmin)) return 0;
  uint64_t limit = process->limits[kLimitProcesses].soft;
  if (limit >= kPidMax) return 0;  // counting takes time
  return CountThreadsOfUser(c.uid) >= limit ? -EAGAIN : 0;
}

// Sleeps until the vfork child has its own memory or is gone.
void AwaitVforkChild(Thread* child, WaitQueue& done) {
  WaitUntil(
      done, [child] { return child->vfork_released; }, Deadline::Never(),
      Interruptible::kKillableOnly);
  // Killed before: the queue is on this stack.
  child->vfork_done = nullptr;
}

// The new thread, not yet visible to anyone, in a process of its own or in the
// caller's.
struct NewThread {
  RefPtr<Process> process;
  RefPtr<Thread> thread;
};

Result<NewThread> MakeThread(const CloneRequest& request, Process* process) {
  NewThread made;
  if (request.flags & kCloneThread) {
    made.process = RefPtr<Process>(process);
  } else {
    GK_ASSIGN_OR_RETURN(made.process, CopyProcess(request, process));
  }
  GK_ASSIGN_OR_RETURN(made.thread, Thread::Create(made.process.get()));
  CopyThreadState(request, CurrentThread(), made.thread.get());
  return made;
}

void Enter(const CloneRequest& request, NewThread& made, Process* current) {
  Process* process = made.process.get();
  AttachThread(process, made.thread.get());
  if (request.flags & kCloneThread) return;
  process->pid = made.thread->tid;
  bool to_grandparent = request.flags & kCloneParent;
  if (to_grandparent) process->exit_signal = current->exit_signal;
  EnterProcess(made.process, to_grandparent ? current->parent : current);
}

int64_t Clone(const CloneRequest& request) {
  Thread* thread = CurrentThread();
  Process* process = thread->process;
  if ((request.flags & kCloneParent) && process == MainProcess())
    return -EINVAL;
  GK_RETURN_IF_ERROR(CheckThreadLimit(process, thread));
  FreeReaped();
  auto made = MakeThread(request, process);
  if (!made.ok()) return made.error();
  Thread* child = made->thread.get();
  int tid = child->tid;
  if (request.flags & kClonePidfd) {
    int error = InstallPidfd(made->process.get(), request.pidfd);
    if (error) return error;
  }
  if (request.flags & kCloneParentSetTid)
    (void)!WriteUser(request.parent_tid, tid);
  Enter(request, *made, process);
  WaitQueue vfork_done;
  if (request.flags & kCloneVfork) child->vfork_done = &vfork_done;
  bool set_child_tid = request.flags & kCloneChildSetTid;
  StartThreadIn(
      child, &BeginChild,
      reinterpret_cast<void*>(set_child_tid ? request.child_tid.value : 0));
  if (request.flags & kCloneVfork) AwaitVforkChild(child, vfork_done);
  return tid;
}

bool MayMakeNamespaces() {
  return Has(CurrentThread()->credentials, kCapSysAdmin);
}

}  // namespace

int64_t SysClone(const SyscallArgs& args) {
  CloneRequest request;
  request.flags = args.U32(0) & ~kCloneExitSignalMask;
  request.exit_signal = args.U32(0) & kCloneExitSignalMask;
  request.stack_pointer = args.U64(1);
  request.parent_tid = request.pidfd = args.User(2);
  request.child_tid = args.User(3);
  request.tls = args.U64(4);
  GK_RETURN_IF_ERROR(CheckCloneFlags(request.flags, MayMakeNamespaces()));
  // Both would be stored at the same place.
  if ((request.flags & kClonePidfd) && (request.flags & kCloneParentSetTid))
    return -EINVAL;
  if (request.exit_signal > kSignalCount) return -EINVAL;
  return Clone(request);
}

int64_t SysClone3(const SyscallArgs& args) {
  CloneArgs from = {};
  uint64_t size = args.U64(1);
  if (size < kCloneArgsSize0) return -EINVAL;
  if (size > crvm::abi::kPageSize) return -E2BIG;
  size_t known = size < sizeof(from) ? size : sizeof(from);
  GK_RETURN_IF_ERROR(CopyFromUser(&from, args.User(0), known));
  for (uint64_t at = known; at < size; ++at) {
    auto byte = ReadUser<uint8_t>(args.User(0) + at);
    if (!byte.ok()) return byte.error();
    if (*byte != 0) return -E2BIG;
  }
  GK_RETURN_IF_ERROR(CheckClone3Args(from));
  GK_RETURN_IF_ERROR(CheckCloneFlags(from.flags, MayMakeNamespaces()));
  CloneRequest request;
  request.flags = from.flags;
  request.exit_signal = static_cast<int>(from.exit_signal);
  request.stack_pointer = from.stack ? from.stack + from.stack_size : 0;
  request.parent_tid = UserAddress(from.parent_tid);
  request.child_tid = UserAddress(from.child_tid);
  request.pidfd = UserAddress(from.pidfd);
  request.tls = from.tls;
  return Clone(request);
}

int64_t SysFork(const SyscallArgs&) {
  CloneRequest request;
  request.exit_signal = kSigChild;
  return Clone(request);
}

int64_t SysVfork(const SyscallArgs&) {
  CloneRequest request;
  request.flags = kCloneVm | kCloneVfork;
  request.exit_signal = kSigChild;
  return Clone(request);
}

int64_t SysSetTidAddress(const SyscallArgs& args) {
  CurrentThread()->clear_child_tid = args.User(0);
  return CurrentThread()->tid;
}

// Only what has an effect here: own descriptors, own directory.
int64_t SysUnshare(const SyscallArgs& args) {
  uint64_t flags = args.U64(0);
  Process* process = CurrentProcess();
  constexpr uint64_t kKnown = kCloneFiles | kCloneFs | kCloneSysvSem |
                              kCloneVm | kCloneSigHand | kCloneThread |
                              kCloneNamespaces;
  if (flags & ~kKnown) return -EINVAL;
  if (flags & kCloneNamespaces) return MayMakeNamespaces() ? -EINVAL : -EPERM;
  bool splits_process = flags & (kCloneVm | kCloneSigHand | kCloneThread);
  // Descriptors belong to a whole process here, not to a thread.
  bool has_threads = process->thread_count > 1;
  if (splits_process && (has_threads || process->memory->ref_count() > 1))
    return -EINVAL;
  if ((flags & (kCloneFiles | kCloneFs)) && has_threads) return -EINVAL;
  RefPtr<FdTable> files;
  if ((flags & kCloneFiles) && process->files->ref_count() > 1) {
    auto cloned = process->files->Clone();
    if (!cloned.ok()) return cloned.error();
    files = cloned.take();
  }
  if ((flags & kCloneFs) && process->fs->ref_count() > 1) {
    auto fs = process->fs->Clone();
    if (!fs) return -ENOMEM;
    process->fs = std::move(fs);
  }
  if (files) process->files = std::move(files);
  return 0;
}

}  // namespace gk
