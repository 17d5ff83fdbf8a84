// SPDX-License-Identifier: Apache-2.0
//
// signalfd(2). The signals read are those of the reader, as on Linux.
#include <asm/errno.h>
#include <asm/signal.h>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/ipc/anonymous_inode.h"
#include "guestkernel/ipc/syscalls.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"

namespace gk {
namespace {

// struct signalfd_siginfo, uapi/linux/signalfd.h.
struct SignalFdInfo {
  uint32_t signo;
  int32_t error, code;
  uint32_t pid, uid;
  int32_t fd;
  uint32_t timer_id, band, overrun, trap;
  int32_t status, value;
  uint64_t pointer, utime, stime, address;
  uint8_t padding[48];
};
static_assert(sizeof(SignalFdInfo) == 128);
constexpr int kSiTimer = -2, kSiQueue = -1;
const char kSignalFileKind = 0;

SignalFdInfo Convert(const SigInfo& info) {
  SignalFdInfo out = {};
  out.signo = static_cast<uint32_t>(info.signo);
  out.error = info.error;
  out.code = info.code;
  if (info.signo == SIGCHLD && info.code > 0) {
    out.pid = static_cast<uint32_t>(info.child.pid);
    out.uid = info.child.uid;
    out.status = info.child.status;
    out.utime = static_cast<uint64_t>(info.child.utime);
    out.stime = static_cast<uint64_t>(info.child.stime);
  } else if (info.code == kSiTimer) {
    out.timer_id = static_cast<uint32_t>(info.timer.timer_id);
    out.overrun = static_cast<uint32_t>(info.timer.overrun);
    out.pointer = info.timer.value;
    out.value = static_cast<int32_t>(info.timer.value);
  } else if (info.code > 0 && info.code < 0x80 &&
             (info.signo == SIGSEGV || info.signo == SIGBUS ||
              info.signo == SIGILL || info.signo == SIGFPE)) {
    out.address = info.fault.address;
  } else {
    out.pid = static_cast<uint32_t>(info.kill.pid);
    out.uid = info.kill.uid;
    if (info.code == kSiQueue) {
      out.pointer = info.kill.value;
      out.value = static_cast<int32_t>(info.kill.value);
    }
  }
  return out;
}

class SignalFile final : public AnonymousFile {
 public:
  SignalFile(SignalSet mask, uint32_t flags)
      : AnonymousFile("[signalfd]", flags | kOpenReadWrite), mask_(mask) {}

  const void* kind() const override { return &kSignalFileKind; }
  void set_mask(SignalSet mask) { mask_ = mask; }

  int64_t Read(UserIo& io) override {
    if (io.remaining() < sizeof(SignalFdInfo)) return -EINVAL;
    SigInfo info;
    bool taken = TakeSignal(mask_, &info);
    if (!taken) {
      if (nonblocking()) return -EAGAIN;
      RefPtr<SignalHandlers> handlers = CurrentProcess()->handlers;
      GK_RETURN_IF_ERROR(WaitUntil(handlers->arrivals, [this, &info] {
        return TakeSignal(mask_, &info);
      }));
    }
    int64_t total = 0;
    do {
      SignalFdInfo out = Convert(info);
      int64_t n = io.CopyOut(&out, sizeof(out));
      if (n < 0) return total > 0 ? total : n;
      total += n;
    } while (io.remaining() >= sizeof(SignalFdInfo) &&
             TakeSignal(mask_, &info));
    return total;
  }

  uint32_t Poll(PollTable* table) override {
    Process* process = CurrentProcess();
    if (table) table->Add(&process->handlers->arrivals);
    uint64_t pending =
        process->pending.set().bits | CurrentThread()->pending.set().bits;
    return pending & mask_.bits ? kPollIn | kPollRdNorm : 0;
  }

 private:
  SignalSet mask_;
};

int64_t MakeSignalFd(int fd, UserAddress mask_at, uint64_t size,
                     uint32_t flags) {
  if (flags & ~(kOpenCloexec | kOpenNonblock)) return -EINVAL;
  GK_ASSIGN_OR_RETURN(SignalSet mask, ReadSignalSet(mask_at, size));
  mask.Remove(SIGKILL);
  mask.Remove(SIGSTOP);
  if (fd != -1) {
    GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(fd));
    if (file->kind() != &kSignalFileKind) return -EINVAL;
    StaticCast<SignalFile>(file)->set_mask(mask);
    CurrentProcess()->handlers->arrivals.WakeAll();
    return fd;
  }
  auto file = MakeRef<SignalFile>(mask, flags & kOpenNonblock);
  if (!file) return -ENOMEM;
  GK_ASSIGN_OR_RETURN(int made, InstallFile(std::move(file), flags));
  return made;
}

}  // namespace

int64_t SysSignalfd(const SyscallArgs& args) {
  return MakeSignalFd(args.Int(0), args.User(1), args.U64(2), 0);
}

int64_t SysSignalfd4(const SyscallArgs& args) {
  return MakeSignalFd(args.Int(0), args.User(1), args.U64(2), args.U32(3));
}

}  // namespace gk
