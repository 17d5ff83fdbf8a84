// SPDX-License-Identifier: Apache-2.0
//
// What a session needs of a virtual machine: the seam between the command line
// and vmm/machine, so that sessions can be tested without KVM.
//
// Threads: Run is called on the vCPU thread, everything else on the main
// thread or on the thread of a snapshot (Pause, Save, Resume).

#ifndef CRVM_CLI_SESSION_GUEST_H_
#define CRVM_CLI_SESSION_GUEST_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "vmm/base/unique_fd.h"
#include "vmm/machine/component_sink.h"

namespace crvm {

// A console of the guest: its terminal, or one of the program's streams.
// See vmm/devices/console/console.h, which these methods go to.
class GuestConsole {
 public:
  virtual ~GuestConsole() = default;
  virtual size_t InputSpace() const = 0;
  virtual size_t PushInput(absl::Span<const uint8_t> bytes) = 0;
  virtual void PushEof() = 0;
  virtual void SetWindowSize(uint16_t cols, uint16_t rows) = 0;
  virtual void AttachOutput(UniqueFd fd) = 0;
  virtual int OutputFdToPoll() const = 0;
  virtual void OutputReady() = 0;
};

enum class SignalTarget { kProgram, kForeground, kAll };

class Guest {
 public:
  virtual ~Guest() = default;

  // Whether the program's file descriptor 0, 1 or 2 is the guest's terminal.
  virtual bool IsTty(int fd) const = 0;
  // Null when there is no such console. The terminal:
  virtual GuestConsole* tty() = 0;
  // The stream of file descriptor 0, 1 or 2:
  virtual GuestConsole* stream(int fd) = 0;

  // Runs until the program has ended and its output is out: a wait status
  // (waitpid(2)). Cancelled after Kill.
  virtual absl::StatusOr<int> Run() = 0;

  virtual absl::Status SendSignal(int signal, SignalTarget target) = 0;
  virtual void Kill() = 0;

  virtual absl::Status Pause() = 0;
  virtual void Resume() = 0;
  // While paused.
  virtual absl::Status Save(ComponentSink& sink) = 0;

  // Called on the vCPU thread, to be set before Run: the consoles' InputSpace
  // or OutputFdToPoll has changed; the program was stopped by a signal.
  virtual void set_interest_callback(std::function<void()> callback) = 0;
  virtual void set_stopped_callback(
      std::function<void(int signal)> callback) = 0;

  // For people and for the snapshot's header.
  virtual uint64_t memory_size() const = 0;
  virtual std::string privilege() const = 0;
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_GUEST_H_
