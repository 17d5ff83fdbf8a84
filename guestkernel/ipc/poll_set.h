// SPDX-License-Identifier: Apache-2.0
//
// PollSet: one thread waiting for any of several files, for poll and select.
// The first look at each file registers with its queues, later looks only ask.
#ifndef CRVM_GUESTKERNEL_IPC_POLL_SET_H_
#define CRVM_GUESTKERNEL_IPC_POLL_SET_H_

#include <cstdint>

#include "guestkernel/fs/file.h"
#include "guestkernel/fs/inode.h"
#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/vector.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

class PollSet final : public PollTable {
 public:
  struct Item {
    RefPtr<File> file;    // null: not open
    uint32_t wanted = 0;  // kPoll* bits
    uint32_t found = 0;
  };

  // Errors and hang-ups count always, as for poll(2), or if wanted: select(2).
  [[nodiscard]] int Add(RefPtr<File> file, uint32_t wanted,
                        uint32_t always = kPollErr | kPollHup);
  Item& item(size_t i) { return items_[i]; }
  size_t size() const { return items_.size(); }

  // Waits until something is found or the deadline. The number of items with
  // something found (0: deadline), -kErestartNoHand at a signal, -ENOMEM.
  // A file that is not open is found as kPollNval.
  int64_t Wait(Deadline deadline);

  void Add(WaitQueue* queue) override;

 private:
  struct Entry {
    Waiter waiter;
    Entry* next = nullptr;
  };
  int64_t Look(bool registering);

  Vector<Item> items_;
  struct EntryList {
    ~EntryList();
    Entry* first = nullptr;
  } entries_;
  bool out_of_memory_ = false;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_IPC_POLL_SET_H_
