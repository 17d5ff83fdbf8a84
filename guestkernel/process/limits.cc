// SPDX-License-Identifier: Apache-2.0
//
// getrlimit(2), setrlimit(2), prlimit(2).
#include "guestkernel/process/cpu_limit.h"
#include "guestkernel/process/credentials.h"
#include "guestkernel/process/limit_rules.h"
#include "guestkernel/process/process.h"
#include "guestkernel/process/syscalls.h"

namespace gk {
namespace {

static_assert(sizeof(ResourceLimit) == 16);  // struct rlimit64

bool ValidResource(uint32_t resource) { return resource < kResourceLimitCount; }

int ChangeLimit(Process* process, int resource, ResourceLimit limit) {
  ResourceLimit& current = process->limits[resource];
  bool privileged = HasCapability(kCapSysResource);
  GK_RETURN_IF_ERROR(CheckLimitChange(resource, current.hard, limit.soft,
                                      limit.hard, privileged));
  // "RLIMIT_CPU 0" means at once, which is after a second.
  if (resource == kLimitCpu && limit.soft == 0) limit.soft = 1;
  ResourceLimit old = current;
  current = limit;
  if (resource == kLimitCpu) {
    int error = WatchCpuLimit(process);
    if (error) {
      current = old;
      return error;
    }
  }
  if (resource == kLimitStack && process->memory)
    process->memory->stack_limit = limit.soft;
  return 0;
}

// The process that prlimit's `pid` names, if the caller may change it.
Result<Process*> LimitedProcess(int pid) {
  if (pid == 0) return CurrentProcess();
  Thread* thread = FindThread(pid);
  Process* process = thread ? thread->process : FindProcess(pid);
  if (!process) return Error(-ESRCH);
  if (process == CurrentProcess() || HasCapability(kCapSysResource))
    return process;
  if (!thread) thread = RepresentativeThread(process);
  if (!thread) return Error(-ESRCH);
  const Credentials& me = CurrentThread()->credentials;
  const Credentials& it = thread->credentials;
  bool same = me.uid == it.uid && me.uid == it.euid && me.uid == it.suid &&
              me.gid == it.gid && me.gid == it.egid && me.gid == it.sgid;
  if (!same) return Error(-EPERM);
  return process;
}

}  // namespace

int64_t SysGetrlimit(const SyscallArgs& args) {
  if (!ValidResource(args.U32(0))) return -EINVAL;
  return WriteUser(args.User(1), CurrentProcess()->limits[args.U32(0)]);
}

int64_t SysSetrlimit(const SyscallArgs& args) {
  if (!ValidResource(args.U32(0))) return -EINVAL;
  auto limit = ReadUser<ResourceLimit>(args.User(1));
  if (!limit.ok()) return limit.error();
  return ChangeLimit(CurrentProcess(), args.Int(0), *limit);
}

int64_t SysPrlimit64(const SyscallArgs& args) {
  uint32_t resource = args.U32(1);
  if (!ValidResource(resource)) return -EINVAL;
  auto process = LimitedProcess(args.Int(0));
  if (!process.ok()) return process.error();
  ResourceLimit old = (*process)->limits[resource];
  if (!args.User(2).is_null()) {
    auto limit = ReadUser<ResourceLimit>(args.User(2));
    if (!limit.ok()) return limit.error();
    GK_RETURN_IF_ERROR(ChangeLimit(*process, resource, *limit));
  }
  if (!args.User(3).is_null()) GK_RETURN_IF_ERROR(WriteUser(args.User(3), old));
  return 0;
}

}  // namespace gk
