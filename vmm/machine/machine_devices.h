// SPDX-License-Identifier: Apache-2.0
//
// MachineDevices: the devices of one VM, made from what the program's standard
// files are, and their saving and restoring as one. vCPU thread, or while the
// vCPU is paused.
#ifndef CRVM_VMM_MACHINE_MACHINE_DEVICES_H_
#define CRVM_VMM_MACHINE_MACHINE_DEVICES_H_

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "guestkernel/abi/devices.h"
#include "guestkernel/abi/shared_pages.h"
#include "vmm/devices/console/console.h"
#include "vmm/devices/control/control.h"
#include "vmm/devices/device_table.h"
#include "vmm/devices/fs/fs_device.h"
#include "vmm/devices/fs/fs_snapshot.h"
#include "vmm/devices/fs/fuse_server.h"
#include "vmm/devices/rng/rng.h"
#include "vmm/machine/component_sink.h"

namespace crvm {

// What one of the program's standard files is.
struct StdioConfig {
  abi::StdioKind kind = abi::StdioKind::kTty;
  abi::StreamKind stream = abi::kStreamNone;  // when kind is kStream
};

class MachineDevices : private ControlHandler {
  static constexpr uint32_t kVersion = 1;

 public:
  // The pointers must outlive the devices.
  static absl::StatusOr<std::unique_ptr<MachineDevices>> Create(
      GuestMemory* memory, EventSink* events, const std::string& fs_root,
      const StdioConfig stdio[3], uint16_t columns, uint16_t rows);

  DeviceTable& table() { return table_; }
  Console* console(abi::DeviceSlot slot) {
    return slot < consoles_.size() ? consoles_[slot].get() : nullptr;
  }
  Control& control() { return *control_; }
  FuseServer& fuse() { return *fuse_; }
  bool OutputIsDrained() const;
  // Called on the vCPU thread when the program was stopped by a signal.
  void set_stopped_callback(std::function<void(int signal)> callback) {
    stopped_callback_ = std::move(callback);
  }

  absl::Status Save(ComponentSink& sink) const;
  absl::Status Restore(ComponentSource& source, ChangedFiles policy,
                       std::vector<std::string>* warnings);

 private:
  ControlHandler* as_handler() { return this; }
  MachineDevices(GuestMemory* memory, EventSink* events)
      : table_(memory, events) {}
  // ControlHandler:
  void OnHello(const abi::ControlHello&) override {}
  void OnLog(abi::ControlLogLevel level, absl::string_view text) override;
  void OnExitStatus(const abi::ControlExitStatus&) override {}
  void OnStopped(const abi::ControlStopped&) override;

  DeviceTable table_;
  std::array<std::unique_ptr<Console>, 4> consoles_;  // by DeviceSlot 0..3
  std::unique_ptr<FuseServer> fuse_;
  std::unique_ptr<FsDevice> fs_;
  Rng rng_;
  std::unique_ptr<Control> control_;
  std::function<void(int signal)> stopped_callback_;
};

}  // namespace crvm
#endif  // CRVM_VMM_MACHINE_MACHINE_DEVICES_H_
