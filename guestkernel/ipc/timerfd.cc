// SPDX-License-Identifier: Apache-2.0
//
// timerfd_create(2) and friends.
#include <asm/errno.h>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/ipc/anonymous_inode.h"
#include "guestkernel/ipc/syscalls.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {
namespace {

struct ItimerSpec {
  TimeSpec interval;
  TimeSpec value;
};
static_assert(sizeof(ItimerSpec) == 32);

enum ClockId : int {
  kRealtime = 0,
  kMonotonic = 1,
  kBoottime = 7,
  kRealtimeAlarm = 8,
  kBoottimeAlarm = 9
};
constexpr uint32_t kAbsolute = 1, kCancelOnSet = 2;
const char kTimerFileKind = 0;

class TimerFile final : public AnonymousFile {
 public:
  TimerFile(int clock, uint32_t flags)
      : AnonymousFile("[timerfd]", flags), clock_(clock), timer_(&OnTimer) {
    timer_.owner = this;
  }

  const void* kind() const override { return &kTimerFileKind; }

  int64_t Read(UserIo& io) override {
    if (io.remaining() < sizeof(uint64_t)) return -EINVAL;
    if (expirations_ == 0) {
      if (nonblocking()) return -EAGAIN;
      GK_RETURN_IF_ERROR(
          WaitUntil(queue_, [this] { return expirations_ > 0; }));
    }
    uint64_t value = expirations_;
    expirations_ = 0;
    int64_t n = io.CopyOut(&value, sizeof(value));
    return n < 0 ? n : static_cast<int64_t>(sizeof(value));
  }

  uint32_t Poll(PollTable* table) override {
    if (table) table->Add(&queue_);
    return expirations_ > 0 ? kPollIn | kPollRdNorm : 0;
  }

  ItimerSpec Get() const {
    ItimerSpec spec = {};
    spec.interval = ToTimeSpec(interval_ns_);
    if (timer_.armed()) {
      uint64_t now = MonotonicNs();
      // An armed timer is never shown as 0.
      uint64_t left = timer_.deadline() > now ? timer_.deadline() - now : 1;
      spec.value = ToTimeSpec(left);
    }
    return spec;
  }

  int Set(const ItimerSpec& spec, bool absolute) {
    uint64_t value, interval;
    GK_RETURN_IF_ERROR(ToNanoseconds(spec.value, &value));
    GK_RETURN_IF_ERROR(ToNanoseconds(spec.interval, &interval));
    timer_.Disarm();
    expirations_ = 0;
    interval_ns_ = interval;
    if (value == 0) return 0;
    return timer_.Arm(absolute ? ToMonotonic(value)
                               : Deadline::After(value).ns);
  }

 private:
  struct OwnedTimer : Timer {
    using Timer::Timer;
    TimerFile* owner = nullptr;
  };

  uint64_t ToMonotonic(uint64_t deadline) const {
    uint64_t clock_now = clock_ == kMonotonic ? MonotonicNs()
                         : clock_ == kBoottime || clock_ == kBoottimeAlarm
                             ? BoottimeNs()
                             : RealtimeNs();
    uint64_t left = deadline > clock_now ? deadline - clock_now : 0;
    return Deadline::After(left).ns;
  }

  static void OnTimer(Timer* timer) {
    static_cast<OwnedTimer*>(timer)->owner->Expire();
  }

  void Expire() {
    ++expirations_;
    if (interval_ns_ > 0) {
      uint64_t now = MonotonicNs(), last = timer_.deadline();
      uint64_t next = interval_ns_ > ~last ? ~uint64_t{0} : last + interval_ns_;
      if (next <= now) {
        uint64_t missed = (now - next) / interval_ns_ + 1;
        expirations_ += missed;
        next += missed * interval_ns_;
      }
      // Its slot in the timer heap was just given back: this cannot fail.
      (void)timer_.Arm(next);
    }
    queue_.WakeAll(kPollIn | kPollRdNorm);
  }

  int clock_;
  WaitQueue queue_;
  OwnedTimer timer_;
  uint64_t interval_ns_ = 0;
  uint64_t expirations_ = 0;
};

Result<RefPtr<TimerFile>> GetTimerFile(int fd) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(fd));
  if (file->kind() != &kTimerFileKind) return Error(-EINVAL);
  return StaticCast<TimerFile>(file);
}

}  // namespace

int64_t SysTimerfdCreate(const SyscallArgs& args) {
  int clock = args.Int(0);
  uint32_t flags = args.U32(1);
  if (clock != kRealtime && clock != kMonotonic && clock != kBoottime &&
      clock != kRealtimeAlarm && clock != kBoottimeAlarm) {
    return -EINVAL;
  }
  if (flags & ~(kOpenCloexec | kOpenNonblock)) return -EINVAL;
  auto file =
      MakeRef<TimerFile>(clock, kOpenReadWrite | (flags & kOpenNonblock));
  if (!file) return -ENOMEM;
  GK_ASSIGN_OR_RETURN(int fd, InstallFile(std::move(file), flags));
  return fd;
}

int64_t SysTimerfdSettime(const SyscallArgs& args) {
  uint32_t flags = args.U32(1);
  if (flags & ~(kAbsolute | kCancelOnSet)) return -EINVAL;
  GK_ASSIGN_OR_RETURN(ItimerSpec spec, ReadUser<ItimerSpec>(args.User(2)));
  GK_ASSIGN_OR_RETURN(RefPtr<TimerFile> file, GetTimerFile(args.Int(0)));
  ItimerSpec old = file->Get();
  GK_RETURN_IF_ERROR(file->Set(spec, flags & kAbsolute));
  if (!args.User(3).is_null()) return WriteUser(args.User(3), old);
  return 0;
}

int64_t SysTimerfdGettime(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<TimerFile> file, GetTimerFile(args.Int(0)));
  return WriteUser(args.User(1), file->Get());
}

}  // namespace gk
