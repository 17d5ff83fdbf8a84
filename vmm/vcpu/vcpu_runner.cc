// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/vcpu_runner.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// Real-time, so that it means nothing to anybody else.
int KickSignal() { return SIGRTMIN; }

// The run page of the vCPU of this thread, for the signal handler: a kick that
// comes just before KVM_RUN must still end it.
thread_local kvm_run* t_run = nullptr;

void OnKick(int) {
  if (t_run) __atomic_store_n(&t_run->immediate_exit, 1, __ATOMIC_RELAXED);
}

uint64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

timespec ToTimespec(uint64_t ns) {
  return {static_cast<time_t>(ns / 1000000000),
          static_cast<long>(ns % 1000000000)};
}

}  // namespace

VcpuRunner::VcpuRunner(KvmVcpu vcpu, abi::PrivilegeMode mode,
                       abi::VcpuPage* page)
    : vcpu_(std::move(vcpu)), mode_(mode), page_(page) {}

VcpuRunner::~VcpuRunner() {
  if (timer_) timer_delete(*timer_);
}

absl::Status VcpuRunner::PrepareThread() {
  struct sigaction action = {};
  action.sa_handler = &OnKick;
  sigemptyset(&action.sa_mask);
  if (sigaction(KickSignal(), &action, nullptr) != 0) {
    return ErrnoStatus(errno, "sigaction of the kick signal");
  }
  sigset_t kick;
  sigemptyset(&kick);
  sigaddset(&kick, KickSignal());
  pthread_sigmask(SIG_UNBLOCK, &kick, nullptr);
  t_run = &vcpu_.run();
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = KickSignal();
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  timer_t timer;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
    return ErrnoStatus(errno, "timer_create");
  }
  timer_ = timer;
  thread_ = pthread_self();
  thread_known_.store(true, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status VcpuRunner::Run(ExitHandler& handler) {
  CRVM_RETURN_IF_ERROR(PrepareThread());
  absl::Status status;
  bool in_device_access = true;  // then the kernel looks at events itself
  for (;;) {
    kicked_.store(false, std::memory_order_release);
    auto go_on = handler.BeforeEntry();
    if (!go_on.ok() || !*go_on) {
      status = go_on.status();
      break;
    }
    if (!in_device_access) status = DeliverEvents();
    if (!status.ok()) break;
    auto exited = vcpu_.Run();
    if (!exited.ok()) {
      status = exited.status();
      break;
    }
    in_device_access = *exited && vcpu_.run().exit_reason == KVM_EXIT_MMIO;
    if (*exited) status = HandleExit(handler);
    if (!status.ok()) break;
  }
  thread_known_.store(false, std::memory_order_release);
  t_run = nullptr;
  return status;
}

void VcpuRunner::SetPending(uint32_t events) {
  __atomic_fetch_or(&page_->pending, events, __ATOMIC_ACQ_REL);
}

void VcpuRunner::Kick() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    kicked_.store(true, std::memory_order_release);
    wake_.notify_all();
  }
  if (thread_known_.load(std::memory_order_acquire)) {
    pthread_kill(thread_, KickSignal());
  }
}

bool VcpuRunner::TimerIsDue() const {
  return timer_deadline_ns_ != 0 && NowNs() >= timer_deadline_ns_;
}

void VcpuRunner::WaitForEvent() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    if (TimerIsDue()) {
      timer_deadline_ns_ = 0;
      SetPending(abi::kEventTimer);
    }
    if (kicked_.load(std::memory_order_acquire) ||
        __atomic_load_n(&page_->pending, __ATOMIC_ACQUIRE) != 0) {
      return;
    }
    if (timer_deadline_ns_ == 0) {
      wake_.wait(lock);
    } else {
      uint64_t now = NowNs();
      uint64_t left = timer_deadline_ns_ > now ? timer_deadline_ns_ - now : 0;
      wake_.wait_for(lock, std::chrono::nanoseconds(left));
    }
  }
}

void VcpuRunner::ArmTimer(std::optional<uint64_t> delay_ns) {
  // A deadline in the far future is no deadline.
  constexpr uint64_t kLongest = uint64_t{1} << 60;
  itimerspec when = {};
  timer_deadline_ns_ = 0;
  if (delay_ns && *delay_ns < kLongest) {
    timer_deadline_ns_ = NowNs() + (*delay_ns > 0 ? *delay_ns : 1);
    when.it_value = ToTimespec(timer_deadline_ns_);
  }
  if (timer_) timer_settime(*timer_, TIMER_ABSTIME, &when, nullptr);
}

absl::Status VcpuRunner::DeliverEvents() {
  if (TimerIsDue()) {
    timer_deadline_ns_ = 0;
    SetPending(abi::kEventTimer);
  }
  kvm_run& run = vcpu_.run();
  run.request_interrupt_window = 0;
  if (__atomic_load_n(&page_->pending, __ATOMIC_ACQUIRE) == 0) {
    return absl::OkStatus();
  }
  CRVM_ASSIGN_OR_RETURN(kvm_regs regs, vcpu_.GetRegs());
  bool user;
  if (mode_ == abi::PrivilegeMode::kDeprivileged) {
    // Ring 0 is the shim, on its way to the kernel; ring 3 in the upper half is
    // the kernel.
    CRVM_ASSIGN_OR_RETURN(kvm_sregs sregs, vcpu_.GetSregs());
    user = (sregs.cs.selector & 3) == 3 && regs.rip < abi::kUserEnd;
  } else {
    CRVM_ASSIGN_OR_RETURN(kvm_sregs sregs, vcpu_.GetSregs());
    user = (sregs.cs.selector & 3) == 3;
  }
  if (user) {
    if (run.ready_for_interrupt_injection) {
      return vcpu_.Interrupt(abi::kEventVector);
    }
    run.request_interrupt_window = 1;
    return absl::OkStatus();
  }
  if (regs.rip >= page_->restart_begin && regs.rip < page_->restart_end) {
    regs.rip = page_->restart_begin;
    return vcpu_.SetRegs(regs);
  }
  return absl::OkStatus();  // the kernel looks before it leaves
}

absl::Status VcpuRunner::HandleExit(ExitHandler& handler) {
  kvm_run& run = vcpu_.run();
  switch (run.exit_reason) {
    case KVM_EXIT_MMIO: {
      GuestAddress at(run.mmio.phys_addr);
      size_t size = run.mmio.len <= 8 ? run.mmio.len : 8;
      if (run.mmio.is_write) {
        return handler.OnMmioWrite(
            at, absl::Span<const uint8_t>(run.mmio.data, size));
      }
      return handler.OnMmioRead(at, absl::Span<uint8_t>(run.mmio.data, size));
    }
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
      return absl::OkStatus();  // events are delivered before the next entry
    case KVM_EXIT_INTERNAL_ERROR:
      return absl::InternalError(
          absl::StrCat("KVM could not go on (internal error ",
                       run.internal.suberror, "): ", DescribeRegisters()));
    case KVM_EXIT_SHUTDOWN:
      return absl::InternalError(absl::StrCat(
          "the guest kernel crashed (triple fault): ", DescribeRegisters()));
    case KVM_EXIT_FAIL_ENTRY:
      return absl::InternalError(
          absl::StrCat("the CPU refused the guest state, reason 0x",
                       absl::Hex(run.fail_entry.hardware_entry_failure_reason),
                       ": ", DescribeRegisters()));
    default:
      return absl::InternalError(
          absl::StrCat("unexpected exit ", run.exit_reason,
                       " from KVM: ", DescribeRegisters()));
  }
}

std::string VcpuRunner::DescribeRegisters() {
  auto regs = vcpu_.GetRegs();
  auto sregs = vcpu_.GetSregs();
  if (!regs.ok() || !sregs.ok()) return "registers unknown";
  return absl::StrFormat(
      "rip %x cs %x rsp %x rflags %x rax %x rbx %x rcx %x rdx %x rsi %x rdi %x "
      "cr2 %x cr3 %x",
      regs->rip, sregs->cs.selector, regs->rsp, regs->rflags, regs->rax,
      regs->rbx, regs->rcx, regs->rdx, regs->rsi, regs->rdi, sregs->cr2,
      sregs->cr3);
}

}  // namespace crvm
