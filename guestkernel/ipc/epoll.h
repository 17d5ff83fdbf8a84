// SPDX-License-Identifier: Apache-2.0
//
// epoll(7). An EpollFile has one EpollItem for each file that it watches; the
// item's waiters sit in that file's queues and put the item on the ready list
// when something happens. A file that is closed takes its items with it
// (File::~File calls EpollFileClosed).
#ifndef CRVM_GUESTKERNEL_IPC_EPOLL_H_
#define CRVM_GUESTKERNEL_IPC_EPOLL_H_

#include <cstdint>

#include "guestkernel/fs/file.h"
#include "guestkernel/ipc/anonymous_inode.h"
#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

struct EpollEvent {  // struct epoll_event, packed on x86-64
  uint32_t events;
  uint64_t data;
} __attribute__((packed));
static_assert(sizeof(EpollEvent) == 12);

enum EpollFlags : uint32_t {
  kEpollExclusive = 1u << 28,
  kEpollWakeup = 1u << 29,
  kEpollOneShot = 1u << 30,
  kEpollEdge = 1u << 31,
};

class EpollFile;

class EpollItem final : public PollTable {
 public:
  EpollItem(EpollFile* owner, File* file, int fd);
  ~EpollItem();

  void Add(WaitQueue* queue) override;
  // The file's ready events that are asked for; registers if so told.
  uint32_t Look(bool registering);

  EpollEvent event = {};
  bool disabled = false;  // EPOLLONESHOT has fired; EPOLL_CTL_MOD enables
  ListLink owner_link;    // EpollFile::items_
  ListLink ready_link;    // EpollFile::ready_
  EpollItem* next_of_file = nullptr;

 private:
  friend class EpollFile;
  friend void EpollFileClosed(File* file);
  struct Watch {
    Waiter waiter;
    EpollItem* item;
    Watch* next;
  };
  static void OnWake(Waiter* waiter, uint32_t events);

  EpollFile* owner_;
  File* file_;  // not counted: it takes this item with it
  int fd_;
  Watch* watches_ = nullptr;
  bool out_of_memory_ = false;
};

class EpollFile final : public AnonymousFile {
 public:
  EpollFile() : AnonymousFile("[eventpoll]", kOpenReadWrite) {}
  ~EpollFile() override;
  static const void* Kind();  // kind() of every epoll file
  const void* kind() const override { return Kind(); }
  uint32_t Poll(PollTable* table) override;

  int Add(RefPtr<File> file, int fd, const EpollEvent& event);
  int Modify(File* file, int fd, const EpollEvent& event);
  int Remove(File* file, int fd);
  // Up to `max` events into `events`; waits until the deadline. Their number,
  // 0 at the deadline, -EINTR.
  int64_t Wait(EpollEvent* events, int max, Deadline deadline);
  size_t item_count() const { return item_count_; }
  // Whether this watches `file`, directly or through other epoll files.
  bool Watches(const File* file) const;

 private:
  friend class EpollItem;
  // Epoll files on the longest way down or up from here, this one included.
  int DepthBelow() const;
  int DepthAbove() const;
  EpollItem* Find(const File* file, int fd) const;
  void MakeReady(EpollItem* item);
  int Harvest(EpollEvent* events, int max);

  IntrusiveList<EpollItem, &EpollItem::owner_link> items_;
  size_t item_count_ = 0;
  IntrusiveList<EpollItem, &EpollItem::ready_link> ready_;
  WaitQueue wait_queue_;  // epoll_wait
  WaitQueue poll_queue_;  // this file being polled itself
};

// The last reference to `file` goes: called when it has items.
void EpollFileClosed(File* file);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_IPC_EPOLL_H_
