// SPDX-License-Identifier: Apache-2.0
//
// See posix_timer.h. Any thread; expirations come from event handling and from
// the way to user mode.
#include "guestkernel/sched/posix_timer.h"

#include <utility>

#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal_internal.h"

namespace gk {
namespace {

constexpr int kSiTimer = -2;  // include/uapi/asm-generic/siginfo.h
constexpr uint64_t kMaxOverrun = INT32_MAX;  // DELAYTIMER_MAX
// A timer whose signal is ignored need not keep its vCPU busy.
constexpr uint64_t kIgnoredPause = 1'000'000;
constexpr size_t kMaxTimers = 32768;

}  // namespace

PosixTimer::ClockTimer::ClockTimer(PosixTimer* o)
    : Timer([](Timer* timer) {
        static_cast<ClockTimer*>(timer)->owner->OnExpired();
      }),
      owner(o) {}

PosixTimer::ProcessorTimer::ProcessorTimer(PosixTimer* o)
    : CpuTimer(
          [](CpuTimer* timer) {
            static_cast<ProcessorTimer*>(timer)->owner->OnExpired();
          },
          o->process_, o->options_.clock.cpu_kind,
          o->options_.clock.thread.get()),
      owner(o) {}

PosixTimer::PosixTimer(int id, Process* process, Options options)
    : id_(id),
      process_(process),
      options_(std::move(options)),
      clock_timer_(this),
      cpu_timer_(this) {
  // The table is the process's own: a reference would keep it for ever.
  options_.clock.process = nullptr;
  entry_.timer = this;
  entry_.info = {};
  entry_.info.signo = options_.signo;
}

PosixTimer::~PosixTimer() { Stop(); }

uint64_t PosixTimer::Now() const {
  return options_.clock.kind == ClockId::Kind::kSystem
             ? ClockNow(options_.clock.base)
             : cpu_timer_.Now();
}

int PosixTimer::Start() {
  if (!options_.signals) return 0;  // only to be asked
  if (options_.clock.kind == ClockId::Kind::kSystem) {
    return clock_timer_.Arm(deadline_ns_, options_.clock.base);
  }
  cpu_timer_.Arm(deadline_ns_);
  return 0;
}

void PosixTimer::Stop() {
  clock_timer_.Disarm();
  cpu_timer_.Disarm();
  if (!entry_.link.linked()) return;
  process_->pending.Withdraw(&entry_);
  Thread* target = FindThread(options_.target_tid);
  if (target) target->pending.Withdraw(&entry_);
  entry_.link.Unlink();
}

int PosixTimer::Set(uint64_t deadline, uint64_t interval) {
  Stop();
  deadline_ns_ = deadline;
  interval_ns_ = interval;
  last_overrun_ = 0;
  return deadline == 0 ? 0 : Start();
}

uint64_t PosixTimer::Remaining() const {
  if (deadline_ns_ == 0) return 0;
  uint64_t now = Now();
  if (deadline_ns_ > now) return deadline_ns_ - now;
  if (interval_ns_ != 0) {
    return interval_ns_ - (now - deadline_ns_) % interval_ns_;
  }
  // Due: not run yet, or over.
  return clock_timer_.armed() || cpu_timer_.armed() ? 1 : 0;
}

uint64_t PosixTimer::Forward(uint64_t now) {
  if (deadline_ns_ > now) return 0;
  uint64_t periods = (now - deadline_ns_) / interval_ns_ + 1;
  deadline_ns_ += periods * interval_ns_;
  return periods - 1;
}

void PosixTimer::OnExpired() {
  entry_.info = {};
  entry_.info.signo = options_.signo;
  entry_.info.code = kSiTimer;
  entry_.info.timer.timer_id = id_;
  entry_.info.timer.value = options_.value;
  Thread* target = nullptr;
  if (options_.target_tid != 0) {
    target = FindThread(options_.target_tid);
    if (!target || target->process != process_) return;
  }
  if (SendTimerSignal(process_, target, &entry_)) return;
  if (interval_ns_ == 0) return;
  Forward(Now() + kIgnoredPause);
  (void)Start();  // the slot that this expiration freed is still there
}

void PosixTimer::OnSignalRemoved(SigInfo* info) {
  uint64_t skipped = 0;
  if (interval_ns_ != 0 && deadline_ns_ != 0) {
    skipped = Forward(Now());
    // Without memory the timer stops: the program can tell by its absence.
    (void)Start();
  }
  last_overrun_ =
      static_cast<int>(skipped < kMaxOverrun ? skipped : kMaxOverrun);
  if (info) info->timer.overrun = last_overrun_;
}

int PosixTimerTable::Add(Process* process, PosixTimer::Options options,
                         bool value_is_id) {
  size_t id = 0;
  while (id < timers_.size() && timers_[id]) ++id;
  if (id >= kMaxTimers) return -EAGAIN;
  if (id == timers_.size()) GK_RETURN_IF_ERROR(timers_.PushBack(nullptr));
  if (value_is_id) options.value = id;
  timers_[id] =
      MakeUnique<PosixTimer>(static_cast<int>(id), process, std::move(options));
  return timers_[id] ? static_cast<int>(id) : -ENOMEM;
}

PosixTimer* PosixTimerTable::Find(int id) {
  if (id < 0 || static_cast<size_t>(id) >= timers_.size()) return nullptr;
  return timers_[id].get();
}

void PosixTimerTable::Remove(int id) { timers_[id].reset(); }

}  // namespace gk
