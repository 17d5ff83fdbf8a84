// SPDX-License-Identifier: Apache-2.0
//
// Doorbells: 64-bit MMIO writes by the kernel to the doorbell page. Each is one
// exit to the VMM, handled before the next guest instruction. Works at any CPL.
// Freestanding.
#ifndef CRVM_GUESTKERNEL_ABI_DOORBELL_H_
#define CRVM_GUESTKERNEL_ABI_DOORBELL_H_

#include <cstdint>

namespace crvm::abi {

enum class Doorbell : uint64_t {
  kIdle = 0x00,  // nothing to run; returns when VcpuPage::pending is not 0
  kArmTimer =
      0x08,  // value: CLOCK_MONOTONIC ns of the earliest deadline, ~0 = none
  kExit = 0x10,  // value: wait status of the program, as wait4 gives it; the VM
                 // ends
  kLog = 0x18,   // value: guest-physical address of a LogRecord
  kSafePoint = 0x20,  // answer to kEventPause: no kernel work is in progress;
                      // may be resumed in either privilege mode
  kPanic = 0x28,  // value: guest-physical address of a LogRecord; the VM stops
  kKick = 0x30,   // value: vCPU number to kick
};

struct LogRecord {
  uint32_t length;  // bytes of text
  uint32_t level;   // 0 error, 1 warning, 2 info, 3 debug
  char text[504];
};
static_assert(sizeof(LogRecord) == 512);

}  // namespace crvm::abi
#endif  // CRVM_GUESTKERNEL_ABI_DOORBELL_H_
