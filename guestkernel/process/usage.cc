// SPDX-License-Identifier: Apache-2.0
//
// See usage.h; getrusage(2), times(2).
#include "guestkernel/process/usage.h"

#include "guestkernel/process/syscalls.h"
#include "guestkernel/sched/cpu_time.h"

namespace gk {
namespace {

constexpr int kUsageSelf = 0, kUsageChildren = -1, kUsageThread = 1;
constexpr uint64_t kNsPerTick = 10000000;  // USER_HZ 100

struct Tms {  // struct tms of the ABI
  int64_t user, system, children_user, children_system;
};

TimeVal ToTimeVal(uint64_t ns) {
  return TimeVal{static_cast<int64_t>(ns / 1000000000),
                 static_cast<int64_t>(ns % 1000000000 / 1000)};
}

}  // namespace

void AddUsage(const ResourceUsage& from, ResourceUsage* to) {
  to->user_ns += from.user_ns;
  to->system_ns += from.system_ns;
  to->minor_faults += from.minor_faults;
  to->major_faults += from.major_faults;
  to->voluntary_switches += from.voluntary_switches;
  to->involuntary_switches += from.involuntary_switches;
  if (from.max_resident_kib > to->max_resident_kib)
    to->max_resident_kib = from.max_resident_kib;
}

ResourceUsage ThreadUsage(Thread* thread) {
  ResourceUsage usage;
  CpuTime time = ThreadCpuTime(thread);
  usage.user_ns = time.user_ns;
  usage.system_ns = time.system_ns;
  usage.minor_faults = thread->minor_faults;
  usage.major_faults = thread->major_faults;
  usage.voluntary_switches = thread->voluntary_switches;
  usage.involuntary_switches = thread->involuntary_switches;
  if (thread->process && thread->process->memory)
    usage.max_resident_kib = thread->process->memory->peak_resident_pages * 4;
  return usage;
}

ResourceUsage ProcessUsage(Process* process) {
  ResourceUsage usage = process->dead_threads_usage;
  for (Thread& thread : process->threads)
    AddUsage(ThreadUsage(&thread), &usage);
  return usage;
}

RUsage ToRUsage(const ResourceUsage& usage) {
  RUsage r = {};
  r.user_time = ToTimeVal(usage.user_ns);
  r.system_time = ToTimeVal(usage.system_ns);
  r.max_resident_kib = usage.max_resident_kib;
  r.minor_faults = usage.minor_faults;
  r.major_faults = usage.major_faults;
  r.voluntary_switches = usage.voluntary_switches;
  r.involuntary_switches = usage.involuntary_switches;
  return r;
}

int64_t SysGetrusage(const SyscallArgs& args) {
  ResourceUsage usage;
  switch (args.Int(0)) {
    case kUsageSelf:
      usage = ProcessUsage(CurrentProcess());
      break;
    case kUsageChildren:
      usage = CurrentProcess()->children_usage;
      break;
    case kUsageThread:
      usage = ThreadUsage(CurrentThread());
      break;
    default:
      return -EINVAL;
  }
  return WriteUser(args.User(1), ToRUsage(usage));
}

int64_t SysTimes(const SyscallArgs& args) {
  Process* process = CurrentProcess();
  if (!args.User(0).is_null()) {
    ResourceUsage self = ProcessUsage(process);
    const ResourceUsage& children = process->children_usage;
    Tms tms = {static_cast<int64_t>(self.user_ns / kNsPerTick),
               static_cast<int64_t>(self.system_ns / kNsPerTick),
               static_cast<int64_t>(children.user_ns / kNsPerTick),
               static_cast<int64_t>(children.system_ns / kNsPerTick)};
    GK_RETURN_IF_ERROR(WriteUser(args.User(0), tms));
  }
  return static_cast<int64_t>(BoottimeNs() / kNsPerTick);
}

}  // namespace gk
