// SPDX-License-Identifier: Apache-2.0
//
// The terminal that the VMM gave: a Tty on the console port. Programs know it
// as /dev/pts/0, so that it looks like the terminal emulator's own, and as
// /dev/console.
#ifndef CRVM_GUESTKERNEL_TTY_CONSOLE_TTY_H_
#define CRVM_GUESTKERNEL_TTY_CONSOLE_TTY_H_

#include "guestkernel/drivers/console_port.h"
#include "guestkernel/tty/tty.h"

namespace gk {

class ConsoleTty final : public Tty, private ConsolePort::Client {
 public:
  explicit ConsoleTty(uint64_t device) : Tty(device) {}
  // -ENODEV when the VMM gave none.
  int Start() { return port_.Start(this); }
  void HandleEvent() { port_.HandleEvent(); }

 private:
  // Tty:
  size_t Transmit(const uint8_t* bytes, size_t n) override {
    return port_.Transmit(bytes, n);
  }
  void TransmitFlush() override { port_.Kick(); }
  bool TransmitIdle() const override { return port_.output_idle(); }
  void InputDrained() override { port_.ResumeInput(); }

  // ConsolePort::Client:
  size_t OnInput(const uint8_t* bytes, size_t n) override {
    return Receive(bytes, n);
  }
  void OnOutputProgress() override { OutputReady(); }
  void OnResize(uint16_t columns, uint16_t rows) override {
    SetWindowSize(WindowSize{rows, columns, 0, 0});
  }
  void OnHangup() override { Hangup(); }

  ConsolePort port_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_TTY_CONSOLE_TTY_H_
