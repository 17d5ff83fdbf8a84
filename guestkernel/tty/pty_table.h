// SPDX-License-Identifier: Apache-2.0
//
// The numbers of /dev/pts: which terminal has which. Number 0 is the VMM's
// terminal when there is one; the others are pseudoterminals.
#ifndef CRVM_GUESTKERNEL_TTY_PTY_TABLE_H_
#define CRVM_GUESTKERNEL_TTY_PTY_TABLE_H_

#include <cstdint>

#include "guestkernel/fs/stat.h"
#include "guestkernel/lib/result.h"

namespace gk {

class Tty;

inline constexpr uint32_t kMaxPtys = 4096;  // as Linux: kernel.pty.max

// Device numbers: Unix98 pty slaves, Documentation/admin-guide/devices.txt.
inline constexpr uint32_t kPtsMajor = 136, kPtsMajorCount = 8;
constexpr uint64_t PtsDevice(uint32_t number) {
  return MakeDevice(kPtsMajor + number / 256, number % 256);
}

// The lowest free number, taken. -ENOSPC, -ENOMEM.
Result<uint32_t> TakePtyNumber();
// Whom it belongs to; null until then. Not referenced.
void SetPty(uint32_t number, Tty* tty);
void FreePtyNumber(uint32_t number);
Tty* FindPty(uint32_t number);
// Numbers are below this.
uint32_t PtyNumberEnd();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_TTY_PTY_TABLE_H_
