// SPDX-License-Identifier: Apache-2.0
//
// The control channel between the VMM and the guest kernel: a virtio device
// (id 63, slot kSlotControl) with two queues, through which each side sends the
// other small messages. Freestanding, fixed width, little-endian; shared.
//
// Each message is one descriptor chain: a ControlHeader, then `length` bytes.
//  - kControlRxQueue: host to guest. The driver posts writable buffers of at
//    least kControlMaxMessage bytes; each used buffer holds one message.
//  - kControlTxQueue: guest to host. Each chain is one readable message; it is
//    used as soon as the notify returns.
// The receiver ignores types that it does not know (they are newer than it is)
// and extra payload bytes at the end; a payload shorter than its struct is an
// error. The VMM trusts nothing in a guest's message.

#ifndef CRVM_GUESTKERNEL_ABI_CONTROL_H_
#define CRVM_GUESTKERNEL_ABI_CONTROL_H_

#include <stddef.h>
#include <stdint.h>

namespace crvm::abi {

inline constexpr uint32_t kControlRxQueue = 0;
inline constexpr uint32_t kControlTxQueue = 1;

inline constexpr uint32_t kControlMaxPayload = 4096 - 8;

struct ControlHeader {
  uint32_t type;    // ControlToGuest or ControlToHost
  uint32_t length;  // of the payload that follows; at most kControlMaxPayload
};
static_assert(sizeof(ControlHeader) == 8);

inline constexpr uint32_t kControlMaxMessage =
    sizeof(ControlHeader) + kControlMaxPayload;
static_assert(kControlMaxMessage == 4096);

// ---- Host to guest. --------------------------------------------------------

enum ControlToGuest : uint32_t {
  kControlSignal = 1,   // ControlSignal
  kControlResumed = 2,  // ControlResumed
};

enum ControlSignalTarget : uint32_t {
  // The program that `crvm run` started (the guest's first process).
  kControlTargetProgram = 0,
  // The foreground process group of the console's terminal; the program if
  // there is none.
  kControlTargetForeground = 1,
  // Every process of the guest (`crvm kill`).
  kControlTargetAll = 2,
};

struct ControlSignal {
  uint32_t signal;  // Linux x86-64 number, 1-64
  uint32_t target;  // ControlSignalTarget
};
static_assert(sizeof(ControlSignal) == 8);

// The first message after a resume. The new clock parameters are already on
// the clock page when it arrives.
struct ControlResumed {
  uint64_t generation;   // counts resumes along this line of snapshots
  int64_t realtime_sec;  // the host's CLOCK_REALTIME at the resume
  int64_t realtime_nsec;
  uint64_t stopped_nsec;     // how long the guest stood still, by that clock
  uint8_t entropy_seed[32];  // fresh: two clones must not share random numbers
};
static_assert(sizeof(ControlResumed) == 64);
static_assert(offsetof(ControlResumed, entropy_seed) == 32);

// ---- Guest to host. --------------------------------------------------------

enum ControlToHost : uint32_t {
  kControlHello = 1,       // ControlHello: the kernel is up
  kControlLog = 2,         // ControlLog and then the text, not terminated
  kControlExitStatus = 3,  // ControlExitStatus: the program has ended
  // ControlStopped: job control has stopped the program. The VMM gives the user
  // his shell back, and when it is continued sends SIGCONT to
  // kControlTargetForeground.
  kControlStopped = 4,
};

struct ControlHello {
  uint32_t abi_version;
  uint32_t reserved;
};
static_assert(sizeof(ControlHello) == 8);

enum ControlLogLevel : uint32_t {
  kControlLogError = 0,
  kControlLogWarning = 1,
  kControlLogInfo = 2,
  kControlLogDebug = 3,
};

struct ControlLog {
  uint32_t level;  // ControlLogLevel
  uint32_t reserved;
};
static_assert(sizeof(ControlLog) == 8);

struct ControlExitStatus {
  uint32_t code;         // of exit_group(), if signal is 0
  uint32_t signal;       // that killed the program, or 0
  uint32_t core_dumped;  // as in wait(2)'s WCOREDUMP
  uint32_t reserved;
};
static_assert(sizeof(ControlExitStatus) == 16);

struct ControlStopped {
  uint32_t signal;
  uint32_t reserved;
};
static_assert(sizeof(ControlStopped) == 8);

}  // namespace crvm::abi

#endif  // CRVM_GUESTKERNEL_ABI_CONTROL_H_
