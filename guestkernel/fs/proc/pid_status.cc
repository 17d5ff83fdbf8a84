// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/stat, statm and status.
#include "guestkernel/fs/fs_context.h"
#include "guestkernel/fs/proc/proc.h"
#include "guestkernel/process/usage.h"
#include "guestkernel/sched/cpu_time.h"
#include "guestkernel/tty/tty.h"

namespace gk {

namespace {

struct State {
  char letter;
  const char* text;
};

State StateOf(Process* process, Thread* thread) {
  if (!thread || process->state == ProcessState::kZombie) {
    return process->is_kernel ? State{'S', "sleeping"} : State{'Z', "zombie"};
  }
  switch (thread->state) {
    case ThreadState::kRunnable:
      return {'R', "running"};
    case ThreadState::kStopped:
      return {'T', "stopped"};
    case ThreadState::kBlocked:
      return thread->interruptible ? State{'S', "sleeping"}
                                   : State{'D', "disk sleep"};
    default:
      return {'X', "dead"};
  }
}

const char* NameOf(Process* process, Thread* thread) {
  return thread ? thread->name : process->exit_name;
}

// Signals with a handler and those ignored.
void Dispositions(Process* process, uint64_t* ignored, uint64_t* caught) {
  *ignored = *caught = 0;
  if (!process->handlers) return;
  for (int signo = 1; signo <= kSignalCount; ++signo) {
    uint64_t handler = process->handlers->action(signo).handler;
    if (handler == 1) *ignored |= SignalSet::Bit(signo);
    if (handler > 1) *caught |= SignalSet::Bit(signo);
  }
}

int AppendMemory(AddressSpace* memory, KString* out) {
  auto kib = [](uint64_t pages) { return pages * 4; };
  uint64_t exe = (memory->end_code - memory->start_code + 4095) >> 12;
  return out->AppendFormat(
      "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\n"
      "VmPin:\t%8lu kB\nVmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n"
      "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\n"
      "VmLib:\t%8lu kB\nVmSwap:\t%8lu kB\n",
      kib(memory->total_pages()), kib(memory->total_pages()),
      kib(memory->locked_pages()), uint64_t{0},
      kib(memory->peak_resident_pages), kib(memory->resident_pages()),
      kib(memory->data_pages()), kib(memory->stack_pages()), kib(exe),
      uint64_t{0}, uint64_t{0});
}

int AppendSignals(Process* process, Thread* thread, KString* out) {
  uint64_t ignored, caught;
  Dispositions(process, &ignored, &caught);
  return out->AppendFormat(
      "SigQ:\t0/%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n"
      "SigIgn:\t%016lx\nSigCgt:\t%016lx\n",
      process->limits[11].soft /* RLIMIT_SIGPENDING */,
      thread ? thread->pending.set().bits : 0, process->pending.set().bits,
      thread ? thread->blocked.bits : 0, ignored, caught);
}

int AppendCredentials(const Credentials& c, KString* out) {
  GK_RETURN_IF_ERROR(out->AppendFormat(
      "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c.uid, c.euid, c.suid,
      c.fsuid, c.gid, c.egid, c.sgid, c.fsgid));
  return 0;
}

int AppendCapabilities(Thread* thread, KString* out) {
  const Credentials& c = thread->credentials;
  return out->AppendFormat(
      "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n"
      "CapAmb:\t%016lx\nNoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n",
      c.cap_inheritable, c.cap_permitted, c.cap_effective, c.cap_bounding,
      c.cap_ambient, thread->no_new_privileges ? 1 : 0);
}

int AppendScheduling(Process* process, Thread* thread, KString* out) {
  uint32_t cpus = GetBootInfo().vcpu_count;
  uint64_t mask = (uint64_t{1} << cpus) - 1;
  ResourceUsage usage = thread ? ThreadUsage(thread) : ProcessUsage(process);
  GK_RETURN_IF_ERROR(
      out->AppendFormat("Cpus_allowed:\t%lx\nCpus_allowed_list:\t0", mask));
  if (cpus > 1) GK_RETURN_IF_ERROR(out->AppendFormat("-%u", cpus - 1));
  return out->AppendFormat(
      "\nMems_allowed:\t1\nMems_allowed_list:\t0\n"
      "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
      usage.voluntary_switches, usage.involuntary_switches);
}

int AppendGroups(const Credentials& c, KString* out) {
  GK_RETURN_IF_ERROR(out->Append("Groups:\t"));
  for (uint32_t i = 0; i < c.group_count; ++i) {
    GK_RETURN_IF_ERROR(out->AppendFormat("%u ", c.groups[i]));
  }
  return out->Append("\n");
}

}  // namespace

int ProcStat(const Subject& subject, KString* out) {
  Process* process = ProcessOf(subject);
  Thread* thread = ThreadOf(subject);
  if (!process || (subject.tid && !thread)) return -ESRCH;
  AddressSpace* memory = process->memory.get();
  ResourceUsage usage =
      subject.tid ? ThreadUsage(thread) : ProcessUsage(process);
  const ResourceUsage& children = process->children_usage;
  uint64_t ignored, caught;
  Dispositions(process, &ignored, &caught);
  int nice = thread ? thread->nice : 0;
  Tty* tty = process->tty.get();
  uint64_t start = subject.tid ? thread->start_ns : process->start_ns;
  GK_RETURN_IF_ERROR(out->AppendFormat(
      "%d (%s) %c %d %d %d %lu %d %u %lu %lu %lu %lu %lu %lu %lu %lu ",
      subject.tid ? subject.tid : process->pid, NameOf(process, thread),
      StateOf(process, thread).letter,
      process->parent ? process->parent->pid : 0, process->pgid, process->sid,
      tty ? tty->device() : 0, tty ? tty->foreground_group() : -1,
      0x400000u /* PF_RANDOMIZE */, usage.minor_faults, children.minor_faults,
      usage.major_faults, children.major_faults, ToTicks(usage.user_ns),
      ToTicks(usage.system_ns), ToTicks(children.user_ns),
      ToTicks(children.system_ns)));
  GK_RETURN_IF_ERROR(out->AppendFormat(
      "%d %d %d 0 %lu %lu %lu %lu %lu %lu %lu 0 0 %lu %lu %lu %lu 0 0 0 ",
      20 + nice, nice, process->thread_count, ToTicks(start),
      memory ? memory->total_pages() << 12 : 0,
      memory ? memory->resident_pages() : 0,
      process->limits[5].soft /* RLIMIT_RSS */, memory ? memory->start_code : 0,
      memory ? memory->end_code : 0, memory ? memory->start_stack : 0,
      thread ? thread->pending.set().bits & 0x7fffffff : 0,
      thread ? thread->blocked.bits & 0x7fffffff : 0, ignored & 0x7fffffff,
      caught & 0x7fffffff));
  return out->AppendFormat(
      "%d 0 %d %d 0 0 0 %lu %lu %lu %lu %lu %lu %lu %d\n", process->exit_signal,
      thread ? thread->realtime_priority : 0, thread ? thread->policy : 0,
      memory ? memory->start_data : 0, memory ? memory->end_data : 0,
      memory ? memory->brk_start() : 0, memory ? memory->arg_start : 0,
      memory ? memory->arg_end : 0, memory ? memory->env_start : 0,
      memory ? memory->env_end : 0, process->exit_status);
}

int ProcStatm(const Subject& subject, KString* out) {
  Process* process = ProcessOf(subject);
  if (!process) return -ESRCH;
  AddressSpace* memory = process->memory.get();
  if (!memory) return out->Append("0 0 0 0 0 0 0\n");
  uint64_t text = (memory->end_code - memory->start_code + 4095) >> 12;
  return out->AppendFormat("%lu %lu 0 %lu 0 %lu 0\n", memory->total_pages(),
                           memory->resident_pages(), text,
                           memory->data_pages() + memory->stack_pages());
}

int ProcStatus(const Subject& subject, KString* out) {
  Process* process = ProcessOf(subject);
  Thread* thread = ThreadOf(subject);
  if (!process || (subject.tid && !thread)) return -ESRCH;
  State state = StateOf(process, thread);
  GK_RETURN_IF_ERROR(out->AppendFormat("Name:\t%s\n", NameOf(process, thread)));
  if (process->fs) {
    GK_RETURN_IF_ERROR(out->AppendFormat("Umask:\t%04o\n", process->fs->umask));
  }
  GK_RETURN_IF_ERROR(out->AppendFormat(
      "State:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
      "TracerPid:\t0\n",
      state.letter, state.text, process->pid,
      subject.tid ? subject.tid : process->pid,
      process->parent ? process->parent->pid : 0));
  Credentials gone = {};
  gone.uid = gone.euid = gone.suid = gone.fsuid = process->exit_uid;
  gone.gid = gone.egid = gone.sgid = gone.fsgid = process->exit_gid;
  const Credentials& who = thread ? thread->credentials : gone;
  GK_RETURN_IF_ERROR(AppendCredentials(who, out));
  GK_RETURN_IF_ERROR(out->AppendFormat(
      "FDSize:\t%d\n", process->files ? process->files->max_fd() : 0));
  GK_RETURN_IF_ERROR(AppendGroups(who, out));
  GK_RETURN_IF_ERROR(out->AppendFormat(
      "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", process->pid,
      subject.tid ? subject.tid : process->pid, process->pgid, process->sid));
  if (process->memory) {
    GK_RETURN_IF_ERROR(AppendMemory(process->memory.get(), out));
  }
  GK_RETURN_IF_ERROR(
      out->AppendFormat("Threads:\t%d\n", process->thread_count));
  GK_RETURN_IF_ERROR(AppendSignals(process, thread, out));
  if (thread) GK_RETURN_IF_ERROR(AppendCapabilities(thread, out));
  return AppendScheduling(process, thread, out);
}

}  // namespace gk
