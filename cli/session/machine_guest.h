// SPDX-License-Identifier: Apache-2.0
//
// The Guest that is a real machine. Threads as in guest.h.

#ifndef CRVM_CLI_SESSION_MACHINE_GUEST_H_
#define CRVM_CLI_SESSION_MACHINE_GUEST_H_

#include <array>
#include <memory>
#include <string>

#include "cli/session/guest.h"
#include "vmm/machine/machine.h"

namespace crvm {

class MachineGuest : public Guest {
 public:
  explicit MachineGuest(std::unique_ptr<Machine> machine);
  ~MachineGuest() override;

  bool IsTty(int fd) const override;
  GuestConsole* tty() override;
  GuestConsole* stream(int fd) override;
  absl::StatusOr<int> Run() override;
  absl::Status SendSignal(int signal, SignalTarget target) override;
  void Kill() override { machine_->Kill(); }
  absl::Status Pause() override;
  void Resume() override { machine_->Resume(); }
  absl::Status Save(ComponentSink& sink) override {
    return machine_->Save(sink);
  }
  void set_interest_callback(std::function<void()> callback) override {
    machine_->set_interest_callback(std::move(callback));
  }
  void set_stopped_callback(std::function<void(int)> callback) override;
  uint64_t memory_size() const override { return machine_->memory_size(); }
  std::string privilege() const override;

  const Machine& machine() const { return *machine_; }

 private:
  class ConsolePort;

  std::unique_ptr<Machine> machine_;
  // By device slot: the terminal, then the streams.
  std::array<std::unique_ptr<ConsolePort>, 4> consoles_;
};

// What a host file descriptor is, for MachineConfig::stdio.
StdioConfig StdioConfigOf(int fd);

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_MACHINE_GUEST_H_
