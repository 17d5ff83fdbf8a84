// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/machine_devices.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "vmm/base/log.h"
#include "vmm/base/status_macros.h"
#include "vmm/machine/fs_sections.h"

namespace crvm {
namespace {

constexpr char kSection[] = "devices";

}  // namespace

absl::StatusOr<std::unique_ptr<MachineDevices>> MachineDevices::Create(
    GuestMemory* memory, EventSink* events, const std::string& fs_root,
    const StdioConfig stdio[3], uint16_t columns, uint16_t rows) {
  std::unique_ptr<MachineDevices> devices(new MachineDevices(memory, events));
  constexpr abi::DeviceSlot kStreamSlots[3] = {
      abi::kSlotStdin, abi::kSlotStdout, abi::kSlotStderr};
  auto add_console = [&](abi::DeviceSlot slot, std::unique_ptr<Console> c) {
    devices->consoles_[slot] = std::move(c);
    devices->table_.Add(slot, devices->consoles_[slot].get());
  };
  bool has_tty = false;
  for (int fd = 0; fd < 3; ++fd) {
    if (stdio[fd].kind == abi::StdioKind::kTty) {
      has_tty = true;
    } else {
      add_console(kStreamSlots[fd],
                  std::make_unique<Console>(stdio[fd].stream));
    }
  }
  if (has_tty) {
    add_console(abi::kSlotConsole, std::make_unique<Console>(columns, rows));
  }
  FuseServerOptions fs_options;
  fs_options.root = fs_root;
  CRVM_ASSIGN_OR_RETURN(devices->fuse_, FuseServer::Create(fs_options));
  devices->fs_ = std::make_unique<FsDevice>(devices->fuse_.get());
  devices->table_.Add(abi::kSlotFs, devices->fs_.get());
  devices->table_.Add(abi::kSlotRng, &devices->rng_);
  devices->control_ = std::make_unique<Control>(devices->as_handler());
  devices->table_.Add(abi::kSlotControl, devices->control_.get());
  return devices;
}

bool MachineDevices::OutputIsDrained() const {
  for (const auto& console : consoles_) {
    if (console && !console->OutputIsDrained()) return false;
  }
  return true;
}

absl::Status MachineDevices::Save(ComponentSink& sink) const {
  CRVM_ASSIGN_OR_RETURN(std::string state, table_.SaveState());
  CRVM_RETURN_IF_ERROR(sink.Section(kSection, kVersion, state));
  return SaveFs(fuse_.get(), sink);
}

absl::Status MachineDevices::Restore(ComponentSource& source,
                                     ChangedFiles policy,
                                     std::vector<std::string>* warnings) {
  uint32_t version = 0;
  CRVM_ASSIGN_OR_RETURN(std::string state, source.Section(kSection, &version));
  if (version != kVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "devices have version ", version, ", this crvm knows ", kVersion));
  }
  CRVM_RETURN_IF_ERROR(table_.RestoreState(state));
  return RestoreFs(fuse_.get(), source, policy, warnings);
}

void MachineDevices::OnLog(abi::ControlLogLevel level, absl::string_view text) {
  if (level <= abi::kControlLogWarning) {
    CRVM_LOG(WARNING) << "guest: " << text;
  } else {
    CRVM_LOG(DEBUG) << "guest: " << text;
  }
}

void MachineDevices::OnStopped(const abi::ControlStopped& stopped) {
  if (stopped_callback_) stopped_callback_(static_cast<int>(stopped.signal));
}

}  // namespace crvm
