// SPDX-License-Identifier: Apache-2.0
//
// See cpu_limit.h. Runs on the way to user mode of the process's own threads.
#include "guestkernel/process/cpu_limit.h"

#include "guestkernel/process/process.h"
#include "guestkernel/sched/cpu_timer.h"

namespace gk {
namespace {

constexpr uint64_t kNsPerSecond = 1000000000;
constexpr uint64_t kNever = ~uint64_t{0};
constexpr int kSigXcpu = 24;

uint64_t ToNs(uint64_t seconds) {
  return seconds < kNever / kNsPerSecond ? seconds * kNsPerSecond : kNever;
}

class CpuLimit : public RefCounted, public CpuTimer {
 public:
  explicit CpuLimit(Process* process)
      : CpuTimer(&OnTimer, process, CpuClockKind::kUserAndSystem),
        process_(process) {}

  void Rearm() {
    const ResourceLimit& limit = process_->limits[kLimitCpu];
    uint64_t first = limit.soft < limit.hard ? limit.soft : limit.hard;
    if (ToNs(first) == kNever)
      Disarm();
    else
      Arm(ToNs(first));
  }

 private:
  static void OnTimer(CpuTimer* timer) {
    static_cast<CpuLimit*>(timer)->OnReached();
  }

  void OnReached() {
    ResourceLimit& limit = process_->limits[kLimitCpu];
    if (Now() >= ToNs(limit.hard)) {
      (void)SendSignalToProcess(process_, kSigKill, nullptr);
      return;
    }
    (void)SendSignalToProcess(process_, kSigXcpu, nullptr);
    ++limit.soft;  // as Linux: again in a second
    Rearm();
  }

  Process* process_;
};

}  // namespace

int WatchCpuLimit(Process* process) {
  const ResourceLimit& limit = process->limits[kLimitCpu];
  if (!process->cpu_limit) {
    if (ToNs(limit.soft) == kNever && ToNs(limit.hard) == kNever) return 0;
    process->cpu_limit = MakeRef<CpuLimit>(process);
    if (!process->cpu_limit) return -ENOMEM;
  }
  static_cast<CpuLimit*>(process->cpu_limit.get())->Rearm();
  return 0;
}

}  // namespace gk
