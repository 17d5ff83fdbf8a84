// SPDX-License-Identifier: Apache-2.0
//
// See pty_table.h.
#include "guestkernel/tty/pty_table.h"

#include "guestkernel/lib/vector.h"
#include "guestkernel/tty/tty.h"

namespace gk {

namespace {

struct Slot {
  bool taken = false;
  Tty* tty = nullptr;
};
Vector<Slot>* g_slots = nullptr;

}  // namespace

Result<uint32_t> TakePtyNumber() {
  if (!g_slots) g_slots = new (std::nothrow) Vector<Slot>;
  if (!g_slots) return Error(-ENOMEM);
  uint32_t number = 0;
  while (number < g_slots->size() && (*g_slots)[number].taken) ++number;
  if (number >= kMaxPtys) return Error(-ENOSPC);
  if (number == g_slots->size()) GK_RETURN_IF_ERROR(g_slots->PushBack(Slot{}));
  (*g_slots)[number] = Slot{true, nullptr};
  return number;
}

void SetPty(uint32_t number, Tty* tty) { (*g_slots)[number].tty = tty; }

void FreePtyNumber(uint32_t number) { (*g_slots)[number] = Slot{}; }

Tty* FindPty(uint32_t number) {
  return number < PtyNumberEnd() ? (*g_slots)[number].tty : nullptr;
}

uint32_t PtyNumberEnd() {
  return g_slots ? static_cast<uint32_t>(g_slots->size()) : 0;
}

}  // namespace gk
