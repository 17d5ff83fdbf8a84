// SPDX-License-Identifier: Apache-2.0
//
// The user's end of the guest's consoles: this process's own standard files
// (LocalConsole), or the far side of an ssh connection (RemoteConsole). Main
// thread.

#ifndef CRVM_CLI_SESSION_CONSOLE_END_H_
#define CRVM_CLI_SESSION_CONSOLE_END_H_

#include "absl/status/status.h"
#include "cli/base/poll_set.h"

namespace crvm {

class ConsoleEnd : public PollSource {
 public:
  // Connects the guest's outputs; before the guest runs.
  virtual absl::Status Attach() = 0;
  // While a snapshot is being taken no input goes to the guest.
  virtual void set_input_enabled(bool enabled) = 0;
  // SIGWINCH.
  virtual void OnWindowChanged() {}
  // Before this process stops, and when it goes on.
  virtual void OnSuspend() {}
  virtual void OnContinue() {}
  // The program was stopped by a signal. True when that is taken care of; else
  // the session stops this process.
  virtual bool OnGuestStopped(int signal) {
    (void)signal;
    return false;
  }
  // The guest has ended: true when its output is all out.
  virtual bool Flushed() { return true; }
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_CONSOLE_END_H_
