// SPDX-License-Identifier: Apache-2.0
//
// Machine: one VM with its vCPU, memory, clock and devices; boots a program or
// comes back from a snapshot.
//
// Threads: Run() makes its caller the vCPU thread. The methods under "Main
// thread" are thread-safe against it; consoles and the control channel have
// their own thread-safe methods, to be followed by Kick().
// Trust: the guest is hostile, and so is what Restore() reads.
#ifndef CRVM_VMM_MACHINE_MACHINE_H_
#define CRVM_VMM_MACHINE_MACHINE_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "guestkernel/abi/devices.h"
#include "guestkernel/abi/doorbell.h"
#include "guestkernel/abi/shared_pages.h"
#include "vmm/boot/boot_info.h"
#include "vmm/boot/kernel_image.h"
#include "vmm/devices/device_table.h"
#include "vmm/kvm/kvm.h"
#include "vmm/machine/clock.h"
#include "vmm/machine/component_sink.h"
#include "vmm/machine/machine_devices.h"
#include "vmm/machine/xsave_layout.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/vcpu/host_probe.h"
#include "vmm/vcpu/vcpu_runner.h"
#include "vmm/vcpu/vcpu_state.h"

namespace crvm {

enum class PrivilegeChoice { kAuto, kSupervisor, kDeprivileged };

struct MachineConfig {
  uint64_t memory_bytes = 0;  // multiple of 2 MiB, at least abi::kMinMemory
  PrivilegeChoice privilege = PrivilegeChoice::kAuto;
  std::string executable;  // path as the guest resolves it
  std::string cwd;
  std::string hostname;
  std::vector<std::string> argv;
  std::vector<std::string> env;
  StdioConfig stdio[3] = {};
  uint16_t columns = 80, rows = 24;
  std::string fs_root = "/";
};

// What resume does about host files that changed since the snapshot.
using FilesPolicy = ChangedFiles;

struct RestoreOptions {
  PrivilegeChoice privilege = PrivilegeChoice::kAuto;
  ClockPolicy clock = ClockPolicy::kRealtimeIsNow;
  FilesPolicy files = FilesPolicy::kKeep;
};

// How the program ended: a wait status as wait4(2) gives it.
struct ExitStatus {
  int wait_status = 0;
};

class Machine : private ExitHandler, private EventSink {
 public:
  static absl::StatusOr<std::unique_ptr<Machine>> Create(
      const MachineConfig& config);
  // `warnings` gets a line for each file that changed meanwhile.
  static absl::StatusOr<std::unique_ptr<Machine>> Restore(
      ComponentSource& source, const RestoreOptions& options,
      std::vector<std::string>* warnings);
  ~Machine() override;

  // Runs until the program ends (all its output then has reached the host, or
  // has nowhere to go), or Kill() (Cancelled), or a crash of the guest kernel
  // (Internal).
  absl::StatusOr<ExitStatus> Run();

  // ---- Main thread -------------------------------------------------------
  // Null when the program has no such console.
  Console* console(abi::DeviceSlot slot) { return devices_->console(slot); }
  const StdioConfig& stdio(int fd) const { return stdio_[fd]; }
  Control& control() { return devices_->control(); }
  // Makes the vCPU thread look at what consoles and control were given.
  void Kick();
  // Brings the vCPU to a safe point; returns when it stands there.
  // DeadlineExceeded after `timeout_ms`; FailedPrecondition when it has ended.
  absl::Status Pause(int timeout_ms);
  void Resume();
  // While paused: everything but what the caller knows itself (names, times).
  absl::Status Save(ComponentSink& sink);
  void Kill();
  // Called on the vCPU thread when consoles want the main thread to poll other
  // descriptors than before. Set before Run().
  void set_interest_callback(std::function<void()> callback);
  // Called on the vCPU thread when a signal stopped the program. Set before
  // Run().
  void set_stopped_callback(std::function<void(int signal)> callback) {
    devices_->set_stopped_callback(std::move(callback));
  }

  abi::PrivilegeMode privilege_mode() const { return mode_; }
  const HostKind& host_kind() const { return host_kind_; }
  uint64_t memory_size() const { return memory_->size(); }
  uint64_t MemoryInUse() const;  // bytes; while paused

 private:
  enum class State { kRunning, kPauseRequested, kPaused, kEnded };

  Machine() = default;
  // Memory, VM and vCPU, and what kind of host this is.
  absl::Status CreateVm(uint64_t memory_bytes, PrivilegeChoice choice);
  absl::Status Boot(const MachineConfig& config);
  absl::Status CreateDevices(const std::string& fs_root, uint16_t columns,
                             uint16_t rows);
  // Sets all that depends on the privilege mode, and the vCPU.
  absl::Status Start(const VcpuState& state);
  absl::Status RestoreComponents(ComponentSource& source,
                                 const RestoreOptions& options,
                                 std::vector<std::string>* warnings);
  // The restore half of machine_snapshot.cc.
  absl::Status TellResumed(const ClockState& clock);
  absl::Status StopAtSafePoint();
  absl::Status DrainOutput();
  absl::Status OnDoorbell(abi::Doorbell which, uint64_t value);
  absl::Status ReportPanic(uint64_t gpa);
  void LogFromGuest(uint64_t gpa);
  void SetEnded();

  // ExitHandler:
  absl::Status OnMmioRead(GuestAddress at, absl::Span<uint8_t> data) override;
  absl::Status OnMmioWrite(GuestAddress at,
                           absl::Span<const uint8_t> data) override;
  absl::StatusOr<bool> BeforeEntry() override;
  // EventSink:
  void RaiseDeviceEvent(int device_index) override;

  std::optional<GuestMemory> memory_;  // outlives the VM and the devices
  std::optional<KvmVm> vm_;
  std::optional<KvmVcpu> fresh_vcpu_;  // until the runner has it
  std::unique_ptr<GuestClock> clock_;
  std::unique_ptr<MachineDevices> devices_;
  std::unique_ptr<VcpuRunner> runner_;
  KernelSymbols symbols_;
  XsaveLayout xsave_;
  abi::PrivilegeMode mode_ = abi::PrivilegeMode::kSupervisor;
  HostKind host_kind_;
  StdioConfig stdio_[3] = {};

  std::atomic<bool> host_work_{false};
  std::atomic<bool> kill_{false};
  std::optional<ExitStatus> exit_status_;  // vCPU thread

  std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::kRunning;  // guarded by mutex_
  VcpuState paused_vcpu_;          // valid while kPaused
};

}  // namespace crvm
#endif  // CRVM_VMM_MACHINE_MACHINE_H_
