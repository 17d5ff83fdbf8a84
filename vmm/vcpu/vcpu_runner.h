// SPDX-License-Identifier: Apache-2.0
//
// VcpuRunner: runs one vCPU on the calling thread and gets events into it. It
// injects the one event vector only when the vCPU is in user mode; else the
// kernel sees abi::VcpuPage::pending on its way out, and a kick inside the
// marked way-out range restarts that range (abi: restart_begin/end).
//
// Threads: Run() and everything else on the vCPU thread, except the methods
// marked thread-safe.
#ifndef CRVM_VMM_VCPU_VCPU_RUNNER_H_
#define CRVM_VMM_VCPU_VCPU_RUNNER_H_

#include <pthread.h>
#include <time.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "guestkernel/abi/layout.h"
#include "guestkernel/abi/shared_pages.h"
#include "vmm/kvm/kvm.h"
#include "vmm/memory/guest_address.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

// What the vCPU's exits mean. Called on the vCPU thread.
class ExitHandler {
 public:
  virtual ~ExitHandler() = default;
  virtual absl::Status OnMmioRead(GuestAddress at,
                                  absl::Span<uint8_t> data) = 0;
  virtual absl::Status OnMmioWrite(GuestAddress at,
                                   absl::Span<const uint8_t> data) = 0;
  // Before each entry into the guest; false ends Run().
  virtual absl::StatusOr<bool> BeforeEntry() = 0;
};

class VcpuRunner {
 public:
  // `page` is this vCPU's VcpuPage in guest memory.
  VcpuRunner(KvmVcpu vcpu, abi::PrivilegeMode mode, abi::VcpuPage* page);
  ~VcpuRunner();
  VcpuRunner(const VcpuRunner&) = delete;
  VcpuRunner& operator=(const VcpuRunner&) = delete;

  KvmVcpu& vcpu() { return vcpu_; }

  // Runs until BeforeEntry() returns false or something fails. Blocks the kick
  // signal elsewhere and sets this thread up to be kicked.
  absl::Status Run(ExitHandler& handler);

  // Sets event bits; the guest sees them before its next user instruction.
  // Thread-safe; from another thread follow it with Kick().
  void SetPending(uint32_t events);
  // Gets the vCPU out of KVM_RUN or out of WaitForEvent. Thread-safe.
  void Kick();

  // The idle doorbell: returns when an event is pending, the timer is due (then
  // kEventTimer is set) or after Kick().
  void WaitForEvent();

  // Arms the timer: kEventTimer is set after `delay_ns` from now; nullopt
  // disarms.
  void ArmTimer(std::optional<uint64_t> delay_ns);

  // For reports of a guest that cannot go on.
  std::string DescribeRegisters();

 private:
  absl::Status PrepareThread();
  absl::Status HandleExit(ExitHandler& handler);
  // After a kick, or when the host says that an interrupt can be taken.
  absl::Status DeliverEvents();
  bool TimerIsDue() const;

  KvmVcpu vcpu_;
  const abi::PrivilegeMode mode_;
  abi::VcpuPage* const page_;
  std::atomic<bool> kicked_{false};
  std::atomic<bool> thread_known_{false};
  pthread_t thread_ = {};
  std::optional<timer_t> timer_;
  uint64_t timer_deadline_ns_ = 0;  // CLOCK_MONOTONIC; 0: not armed

  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace crvm
#endif  // CRVM_VMM_VCPU_VCPU_RUNNER_H_
