// SPDX-License-Identifier: Apache-2.0
//
// The driver of the VMM's terminal: a virtio console (abi/virtio.h; virtio 1.2,
// section 5.3) in its tty flavour. Moves raw bytes; tty/console_tty.h makes a
// terminal of it.
#ifndef CRVM_GUESTKERNEL_DRIVERS_CONSOLE_PORT_H_
#define CRVM_GUESTKERNEL_DRIVERS_CONSOLE_PORT_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/drivers/virtio_device.h"
#include "guestkernel/drivers/virtio_queue.h"

namespace gk {

class ConsolePort {
 public:
  // Called from device events, and from Kick() and ResumeInput().
  class Client {
   public:
    // Bytes from the keyboard; how many were taken. The rest is offered again
    // by ResumeInput().
    virtual size_t OnInput(const uint8_t* bytes, size_t n) = 0;
    // Transmit() takes more, or all has left.
    virtual void OnOutputProgress() = 0;
    virtual void OnResize(uint16_t columns, uint16_t rows) = 0;
    // The terminal is gone.
    virtual void OnHangup() = 0;

   protected:
    ~Client() = default;
  };

  ConsolePort() = default;
  ConsolePort(const ConsolePort&) = delete;
  ConsolePort& operator=(const ConsolePort&) = delete;

  // -ENODEV when the VMM gave no terminal.
  int Start(Client* client);

  // Takes a prefix of the bytes; its length. They leave at the next Kick().
  size_t Transmit(const uint8_t* bytes, size_t n);
  void Kick();
  bool output_idle() const { return busy_output_ == 0; }

  // The client takes input again.
  void ResumeInput();

  // From the device event hook.
  void HandleEvent();

 private:
  static constexpr uint32_t kPageSize = 4096;
  static constexpr int kOutputPages = 8;
  static constexpr int kInputPages = 4;
  struct Page {
    FrameNumber frame;
    uint32_t start = 0;   // of what the client has not taken
    uint32_t length = 0;  // bytes in use
    bool busy = false;    // the device has it
  };

  int AllocatePages();
  void PostInput(Page& page);
  bool ReapOutput();
  void ReapInput();
  void DeliverInput();
  void SubmitFilling();
  void CheckSize();

  Client* client_ = nullptr;
  VirtioDevice device_;
  VirtioQueue queues_[2];
  Page output_[kOutputPages];
  Page input_[kInputPages];
  // Received pages, in order: a ring of indexes into input_.
  uint8_t arrived_[kInputPages] = {};
  int arrived_start_ = 0, arrived_count_ = 0;
  int filling_ = -1;  // output page that is not yet submitted
  int busy_output_ = 0;
  bool delivering_ = false;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_DRIVERS_CONSOLE_PORT_H_
