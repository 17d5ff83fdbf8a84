// SPDX-License-Identifier: Apache-2.0

#include "cli/session/machine_guest.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// The guest kernel comes to rest at its next entry from a program, which is at
// most a time slice away; a page fault that reads a slow disk may take longer.
constexpr int kPauseTimeoutMs = 10'000;

}  // namespace

// Every call that gives the device something is followed by a kick.
class MachineGuest::ConsolePort : public GuestConsole {
 public:
  ConsolePort(Machine* machine, Console* console)
      : machine_(machine), console_(console) {}

  size_t InputSpace() const override { return console_->InputSpace(); }
  size_t PushInput(absl::Span<const uint8_t> bytes) override {
    const size_t taken = console_->PushInput(bytes);
    machine_->Kick();
    return taken;
  }
  void PushEof() override {
    console_->PushEof();
    machine_->Kick();
  }
  void SetWindowSize(uint16_t cols, uint16_t rows) override {
    console_->SetWindowSize(cols, rows);
    machine_->Kick();
  }
  void AttachOutput(UniqueFd fd) override {
    console_->AttachOutput(std::move(fd));
    machine_->Kick();
  }
  int OutputFdToPoll() const override { return console_->OutputFdToPoll(); }
  void OutputReady() override {
    console_->OutputReady();
    machine_->Kick();
  }

 private:
  Machine* const machine_;
  Console* const console_;
};

MachineGuest::MachineGuest(std::unique_ptr<Machine> machine)
    : machine_(std::move(machine)) {
  for (size_t slot = 0; slot < consoles_.size(); ++slot) {
    Console* console = machine_->console(static_cast<abi::DeviceSlot>(slot));
    if (console == nullptr) continue;
    consoles_[slot] = std::make_unique<ConsolePort>(machine_.get(), console);
  }
}

MachineGuest::~MachineGuest() = default;

bool MachineGuest::IsTty(int fd) const {
  return machine_->stdio(fd).kind == abi::StdioKind::kTty;
}

GuestConsole* MachineGuest::tty() { return consoles_[abi::kSlotConsole].get(); }

GuestConsole* MachineGuest::stream(int fd) {
  return consoles_[abi::kSlotStdin + fd].get();
}

absl::StatusOr<int> MachineGuest::Run() {
  CRVM_ASSIGN_OR_RETURN(const ExitStatus status, machine_->Run());
  return status.wait_status;
}

absl::Status MachineGuest::SendSignal(int signal, SignalTarget target) {
  abi::ControlSignalTarget to = abi::kControlTargetProgram;
  if (target == SignalTarget::kForeground) to = abi::kControlTargetForeground;
  if (target == SignalTarget::kAll) to = abi::kControlTargetAll;
  CRVM_RETURN_IF_ERROR(machine_->control().SendSignal(signal, to));
  machine_->Kick();
  return absl::OkStatus();
}

absl::Status MachineGuest::Pause() { return machine_->Pause(kPauseTimeoutMs); }

void MachineGuest::set_stopped_callback(std::function<void(int)> callback) {
  machine_->set_stopped_callback(std::move(callback));
}

std::string MachineGuest::privilege() const {
  return machine_->privilege_mode() == abi::PrivilegeMode::kDeprivileged
             ? "deprivileged"
             : "supervisor";
}

StdioConfig StdioConfigOf(int fd) {
  StdioConfig config;
  config.kind = abi::StdioKind::kStream;
  struct stat info;
  if (fstat(fd, &info) < 0) return config;  // kStreamNone
  if (isatty(fd) == 1) {
    config.kind = abi::StdioKind::kTty;
  } else if (S_ISREG(info.st_mode)) {
    config.stream = abi::kStreamRegular;
  } else if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
    config.stream = abi::kStreamCharacter;
  } else if (S_ISSOCK(info.st_mode)) {
    config.stream = abi::kStreamSocket;
  } else {
    config.stream = abi::kStreamPipe;
  }
  return config;
}

}  // namespace crvm
