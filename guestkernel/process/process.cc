// SPDX-License-Identifier: Apache-2.0
//
// The process table: who exists, who is whose child, groups and sessions.
#include "guestkernel/process/process.h"

#include "guestkernel/process/pid.h"

namespace gk {
namespace {

using ProcessList = IntrusiveList<Process, &Process::all_link>;

// Made with the first process: a list's head cannot be constant-initialized.
struct Table {
  ProcessList live;
  ProcessList reaped;  // still referenced by the table, see FreeReaped
  size_t count = 0;
};
Table* g_table = nullptr;
Process* g_init = nullptr;

}  // namespace

Process* CurrentProcess() {
  Thread* thread = CurrentThread();
  return thread ? thread->process : nullptr;
}

Process* InitProcess() { return g_init; }
Process* MainProcess() { return FindProcess(kMainPid); }

Process* FirstProcess() { return g_table ? g_table->live.front() : nullptr; }

Process* NextProcess(Process* process) { return g_table->live.Next(process); }

size_t ProcessCount() { return g_table ? g_table->count : 0; }

Thread* RepresentativeThread(Process* process) {
  return process->threads.front();
}

uint32_t UserIdOf(Process* process) {
  Thread* thread = RepresentativeThread(process);
  return thread ? thread->credentials.uid : process->exit_uid;
}

void EnterProcess(RefPtr<Process> process, Process* parent) {
  if (!g_table) {
    g_table = new (std::nothrow) Table;
    if (!g_table) Panic("out of memory for the process table");
  }
  SetPidProcess(process->pid, process.get());
  HoldPid(process->pid);
  HoldPid(process->pgid);
  HoldPid(process->sid);
  process->parent = parent;
  if (parent) parent->children.PushBack(process.get());
  if (process->pid == kInitPid) g_init = process.get();
  ++g_table->count;
  g_table->live.PushBack(process.leak());
}

void ReapProcess(Process* process) {
  GK_ASSERT(process->state == ProcessState::kZombie);
  process->state = ProcessState::kReaped;
  process->sibling_link.Unlink();
  process->parent = nullptr;
  process->all_link.Unlink();
  --g_table->count;
  SetPidProcess(process->pid, nullptr);
  ReleasePid(process->pid);
  ReleasePid(process->pgid);
  ReleasePid(process->sid);
  g_table->reaped.PushBack(process);
}

void FreeReaped() {
  while (Process* process = g_table->reaped.PopFront()) process->Release();
}

void AttachThread(Process* process, Thread* thread) {
  process->threads.PushBack(thread);
  ++process->thread_count;
}

void DetachThread(Thread* thread) {
  SetPidThread(thread->tid, nullptr);
  thread->process_link.Unlink();
  --thread->process->thread_count;
}

void SetProcessGroup(Process* process, int pgid) {
  HoldPid(pgid);
  ReleasePid(process->pgid);
  process->pgid = pgid;
}

void SetSession(Process* process, int sid) {
  HoldPid(sid);
  ReleasePid(process->sid);
  process->sid = sid;
}

void KillOtherThreads(Process* process, Thread* except) {
  for (Thread& thread : process->threads) {
    if (&thread != except && !thread.exiting) RequestThreadExit(&thread);
  }
}

size_t CountThreadsOfUser(uint32_t uid) {
  size_t n = 0;
  for (Process* p = FirstProcess(); p; p = NextProcess(p))
    for (Thread& thread : p->threads) n += thread.credentials.uid == uid;
  return n;
}

bool ProcessGroupExists(int pgid, int sid) {
  for (Process* p = FirstProcess(); p; p = NextProcess(p))
    if (p->pgid == pgid && p->sid == sid) return true;
  return false;
}

}  // namespace gk
