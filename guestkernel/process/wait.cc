// SPDX-License-Identifier: Apache-2.0
//
// wait4(2), waitid(2).
#include "guestkernel/process/exit.h"
#include "guestkernel/process/pidfd.h"
#include "guestkernel/process/process.h"
#include "guestkernel/process/syscalls.h"
#include "guestkernel/process/usage.h"
#include "guestkernel/process/wait_rules.h"

namespace gk {
namespace {

constexpr int kPAll = 0, kPPid = 1, kPPgid = 2, kPPidfd = 3;  // idtype_t
constexpr uint32_t kWait4Options = kWaitNoHang | kWaitStopped | kWaitContinued |
                                   kWaitNoThread | kWaitAll | kWaitClone;
constexpr uint32_t kWaitidOptions = kWait4Options | kWaitExited | kWaitNoWait;

struct WaitResult {
  int pid = 0;
  int status = 0;     // as wait4 gives it
  SigInfo info = {};  // as waitid gives it
  ResourceUsage usage;
};

WaitChild View(Process* p) {
  return WaitChild{p->pid,
                   p->pgid,
                   p->exit_signal,
                   p->state == ProcessState::kZombie,
                   p->state == ProcessState::kStopped,
                   p->stop_reported,
                   p->continued};
}

void Report(Process* child, WaitEvent event, WaitResult* result) {
  result->pid = child->pid;
  result->usage = ProcessUsage(child);
  AddUsage(child->children_usage, &result->usage);
  switch (event) {
    case WaitEvent::kExited:
      result->status = child->exit_status;
      result->info = ExitSigInfo(child);
      break;
    case WaitEvent::kStopped:
      result->status = StoppedStatus(child->stop_signal);
      result->info =
          ChildSigInfo(child, ChildCode::kStopped, child->stop_signal);
      break;
    case WaitEvent::kContinued:
      result->status = kContinuedStatus;
      result->info = ChildSigInfo(child, ChildCode::kContinued, kSigCont);
      break;
    case WaitEvent::kNone:
      break;
  }
}

// The event has been reported: it is over.
void Consume(Process* parent, Process* child, WaitEvent event) {
  if (event == WaitEvent::kStopped) child->stop_reported = true;
  if (event == WaitEvent::kContinued) child->continued = false;
  if (event != WaitEvent::kExited) return;
  ResourceUsage usage = ProcessUsage(child);
  AddUsage(usage, &parent->children_usage);
  AddUsage(child->children_usage, &parent->children_usage);
  ReapProcess(child);
  FreeReaped();
}

// One look at the children. 0: nothing yet; the pid; -ECHILD.
int Look(const WaitTarget& target, uint32_t options, WaitResult* result) {
  Process* parent = CurrentProcess();
  bool any = false;
  for (Process& child : parent->children) {
    WaitChild view = View(&child);
    if (!WaitMatches(target, options, view)) continue;
    any = true;
    WaitEvent event = WaitEventOf(options, view);
    if (event == WaitEvent::kNone) continue;
    Report(&child, event, result);
    if (!(options & kWaitNoWait)) Consume(parent, &child, event);
    return result->pid;
  }
  return any ? 0 : -ECHILD;
}

// 0 with WNOHANG when there is nothing; the pid; or an error.
int Wait(const WaitTarget& target, uint32_t options, WaitResult* result) {
  int found = 0;
  auto ready = [&] {
    found = Look(target, options, result);
    return found != 0 || (options & kWaitNoHang);
  };
  if (int error = WaitUntil(CurrentProcess()->child_events, ready))
    return error;
  return found;
}

// siginfo_t as waitid stores it; all zero when nothing was found.
int StoreInfo(UserAddress to, const WaitResult& result) {
  if (to.is_null()) return 0;
  // Only up to si_status, as Linux does.
  struct {
    int32_t signo, error, code, padding, pid;
    uint32_t uid;
    int32_t status;
  } info = {};
  if (result.pid != 0) {
    info.signo = kSigChild;
    info.code = result.info.code;
    info.pid = result.info.child.pid;
    info.uid = result.info.child.uid;
    info.status = result.info.child.status;
  }
  return WriteUser(to, info);
}

Result<WaitTarget> WaitidTarget(int type, int id) {
  switch (type) {
    case kPAll:
      return WaitTarget{WaitTarget::Kind::kAny, 0};
    case kPPid:
      if (id <= 0) return Error(-EINVAL);
      return WaitTarget{WaitTarget::Kind::kPid, id};
    case kPPgid:
      if (id < 0) return Error(-EINVAL);
      return WaitTarget{WaitTarget::Kind::kGroup,
                        id == 0 ? CurrentProcess()->pgid : id};
    case kPPidfd: {
      GK_ASSIGN_OR_RETURN(RefPtr<PidFile> file, GetPidFile(id));
      // Its number may be another's by now.
      if (file->process()->state == ProcessState::kReaped)
        return Error(-ECHILD);
      return WaitTarget{WaitTarget::Kind::kPid, file->process()->pid};
    }
    default:
      return Error(-EINVAL);
  }
}

bool PidfdWouldBlock(int type, int id) {
  if (type != kPPidfd) return false;
  auto file = GetPidFile(id);
  return file.ok() && (*file)->nonblocking();
}

}  // namespace

int64_t SysWait4(const SyscallArgs& args) {
  uint32_t options = args.U32(2);
  if (options & ~kWait4Options) return -EINVAL;
  WaitTarget target;
  if (!WaitTargetOf(args.Int(0), CurrentProcess()->pgid, &target))
    return -ESRCH;
  WaitResult result;
  int pid = Wait(target, options | kWaitExited, &result);
  if (pid <= 0) return pid;
  if (!args.User(1).is_null())
    GK_RETURN_IF_ERROR(WriteUser(args.User(1), result.status));
  if (!args.User(3).is_null())
    GK_RETURN_IF_ERROR(WriteUser(args.User(3), ToRUsage(result.usage)));
  return pid;
}

int64_t SysWaitid(const SyscallArgs& args) {
  uint32_t options = args.U32(3);
  constexpr uint32_t kEvents = kWaitExited | kWaitStopped | kWaitContinued;
  if ((options & ~kWaitidOptions) || !(options & kEvents)) return -EINVAL;
  auto target = WaitidTarget(args.Int(0), args.Int(1));
  if (!target.ok()) return target.error();
  bool nonblocking = PidfdWouldBlock(args.Int(0), args.Int(1));
  WaitResult result;
  uint32_t no_hang = nonblocking ? uint32_t{kWaitNoHang} : 0;
  int pid = Wait(*target, options | no_hang, &result);
  if (pid < 0) return pid;
  if (pid == 0 && nonblocking && !(options & kWaitNoHang)) return -EAGAIN;
  if (pid > 0 && !args.User(4).is_null())
    GK_RETURN_IF_ERROR(WriteUser(args.User(4), ToRUsage(result.usage)));
  return StoreInfo(args.User(2), result);
}

}  // namespace gk
