// SPDX-License-Identifier: Apache-2.0
//
// See poll_set.h.
#include "guestkernel/ipc/poll_set.h"

#include <asm/errno.h>

namespace gk {

PollSet::EntryList::~EntryList() {
  while (first) {
    Entry* next = first->next;
    delete first;
    first = next;
  }
}

int PollSet::Add(RefPtr<File> file, uint32_t wanted, uint32_t always) {
  return items_.PushBack(Item{std::move(file), wanted | always, 0});
}

void PollSet::Add(WaitQueue* queue) {
  auto* entry = new (std::nothrow) Entry;
  if (!entry) {
    out_of_memory_ = true;
    return;
  }
  entry->waiter.on_wake = &WakeThreadOnWake;
  entry->waiter.thread = CurrentThread();
  entry->next = entries_.first;
  entries_.first = entry;
  queue->Add(&entry->waiter);
}

int64_t PollSet::Look(bool registering) {
  int64_t ready = 0;
  for (Item& item : items_) {
    if (!item.file) {
      item.found = kPollNval;
    } else {
      // Once something is found nobody will wait: no need to register.
      PollTable* table = registering && ready == 0 ? this : nullptr;
      item.found = item.file->Poll(table) & item.wanted;
    }
    if (item.found) ++ready;
  }
  return ready;
}

int64_t PollSet::Wait(Deadline deadline) {
  for (bool registering = true;; registering = false) {
    PrepareToBlock();
    if (int64_t ready = Look(registering && deadline.ns != 0)) return ready;
    if (out_of_memory_) return -ENOMEM;
    if (deadline.ns == 0) return 0;
    int error = Block(deadline);
    if (error == -ETIMEDOUT) return Look(false);
    if (error) {
      int64_t ready = Look(false);
      return ready > 0 ? ready : -kErestartNoHand;
    }
  }
}

}  // namespace gk
