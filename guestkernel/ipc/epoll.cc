// SPDX-License-Identifier: Apache-2.0
//
// See epoll.h.
#include "guestkernel/ipc/epoll.h"

#include <asm/errno.h>

namespace gk {
namespace {

const char kEpollKind = 0;
constexpr int kMaxDepth = 5;  // of epoll files that watch each other

void UnlinkFromFile(File* file, EpollItem* item) {
  EpollItem** at = &file->first_epoll_item;
  while (*at != item) at = &(*at)->next_of_file;
  *at = item->next_of_file;
}

}  // namespace

// ---- EpollItem

EpollItem::EpollItem(EpollFile* owner, File* file, int fd)
    : owner_(owner), file_(file), fd_(fd) {
  ++owner_->item_count_;
}

EpollItem::~EpollItem() {
  --owner_->item_count_;
  while (watches_) {
    Watch* next = watches_->next;
    delete watches_;
    watches_ = next;
  }
}

void EpollItem::Add(WaitQueue* queue) {
  auto* watch = new (std::nothrow) Watch{{}, this, watches_};
  if (!watch) {
    out_of_memory_ = true;
    return;
  }
  watch->waiter.on_wake = &OnWake;
  watch->waiter.exclusive = event.events & kEpollExclusive;
  watches_ = watch;
  queue->Add(&watch->waiter);
}

void EpollItem::OnWake(Waiter* waiter, uint32_t events) {
  // `waiter` is the first member of its Watch.
  auto* item = reinterpret_cast<Watch*>(waiter)->item;
  uint32_t wanted = item->event.events | kPollErr | kPollHup;
  if (item->disabled || !(events & wanted)) return;
  item->owner_->MakeReady(item);
}

uint32_t EpollItem::Look(bool registering) {
  uint32_t found = file_->Poll(registering ? this : nullptr);
  if (disabled) return 0;
  return found & (event.events | kPollErr | kPollHup);
}

// ---- EpollFile

const void* EpollFile::Kind() { return &kEpollKind; }

EpollFile::~EpollFile() {
  while (EpollItem* item = items_.front()) {
    UnlinkFromFile(item->file_, item);
    delete item;
  }
}

EpollItem* EpollFile::Find(const File* file, int fd) const {
  for (EpollItem& item : items_) {
    if (item.file_ == file && item.fd_ == fd) return &item;
  }
  return nullptr;
}

void EpollFile::MakeReady(EpollItem* item) {
  if (!item->ready_link.linked()) ready_.PushBack(item);
  wait_queue_.Wake(kPollIn | kPollRdNorm);
  poll_queue_.WakeAll(kPollIn | kPollRdNorm);
}

// The depth is bounded by Add(), and with it these recursions.
bool EpollFile::Watches(const File* file) const {
  for (EpollItem& item : items_) {
    if (item.file_ == file) return true;
    if (item.file_->kind() != &kEpollKind) continue;
    if (static_cast<EpollFile*>(item.file_)->Watches(file)) return true;
  }
  return false;
}

int EpollFile::DepthBelow() const {
  int deepest = 0;
  for (EpollItem& item : items_) {
    if (item.file_->kind() != &kEpollKind) continue;
    int depth = static_cast<EpollFile*>(item.file_)->DepthBelow();
    if (depth > deepest) deepest = depth;
  }
  return deepest + 1;
}

int EpollFile::DepthAbove() const {
  int highest = 0;
  for (auto* item = first_epoll_item; item; item = item->next_of_file) {
    int depth = item->owner_->DepthAbove();
    if (depth > highest) highest = depth;
  }
  return highest + 1;
}

int EpollFile::Add(RefPtr<File> file, int fd, const EpollEvent& event) {
  if (Find(file.get(), fd)) return -EEXIST;
  if (file->kind() == &kEpollKind) {
    auto* below = static_cast<EpollFile*>(file.get());
    if (below == this) return -EINVAL;
    if (below->Watches(this)) return -ELOOP;
    if (DepthAbove() + below->DepthBelow() > kMaxDepth) return -ELOOP;
  }
  auto* item = new (std::nothrow) EpollItem(this, file.get(), fd);
  if (!item) return -ENOMEM;
  File::on_watched_file_closed = &EpollFileClosed;
  item->event = event;
  item->next_of_file = file->first_epoll_item;
  file->first_epoll_item = item;
  items_.PushBack(item);
  uint32_t ready = item->Look(/*registering=*/true);
  if (item->out_of_memory_) {
    UnlinkFromFile(file.get(), item);
    delete item;
    return -ENOMEM;
  }
  if (ready) MakeReady(item);
  return 0;
}

int EpollFile::Modify(File* file, int fd, const EpollEvent& event) {
  EpollItem* item = Find(file, fd);
  if (!item) return -ENOENT;
  if ((event.events | item->event.events) & kEpollExclusive) return -EINVAL;
  item->event = event;
  item->disabled = false;
  if (item->Look(false)) MakeReady(item);
  return 0;
}

int EpollFile::Remove(File* file, int fd) {
  EpollItem* item = Find(file, fd);
  if (!item) return -ENOENT;
  UnlinkFromFile(file, item);
  delete item;
  return 0;
}

// Takes what is ready now. Level-triggered items go back to the end of the
// list, so that all get their turn.
int EpollFile::Harvest(EpollEvent* events, int max) {
  IntrusiveList<EpollItem, &EpollItem::ready_link> again;
  int count = 0;
  while (count < max) {
    EpollItem* item = ready_.PopFront();
    if (!item) break;
    uint32_t found = item->Look(false);
    if (found == 0) continue;
    events[count].events = found;
    events[count].data = item->event.data;
    ++count;
    if (item->event.events & kEpollOneShot) {
      item->disabled = true;
    } else if (!(item->event.events & kEpollEdge)) {
      again.PushBack(item);
    }
  }
  while (EpollItem* item = again.PopFront()) ready_.PushBack(item);
  return count;
}

int64_t EpollFile::Wait(EpollEvent* events, int max, Deadline deadline) {
  int count = Harvest(events, max);
  if (count > 0 || deadline.ns == 0) return count;
  int error = WaitUntil(
      wait_queue_,
      [&] {
        count = Harvest(events, max);
        return count > 0;
      },
      deadline, Interruptible::kYes, /*exclusive=*/true);
  if (error == -ETIMEDOUT) return 0;
  if (error) return -EINTR;  // never restarted: epoll_wait(2)
  if (!ready_.empty()) wait_queue_.Wake(kPollIn);  // for another waiter
  return count;
}

uint32_t EpollFile::Poll(PollTable* table) {
  if (table) table->Add(&poll_queue_);
  for (EpollItem& item : ready_) {
    if (item.Look(false)) return kPollIn | kPollRdNorm;
    item.ready_link.Unlink();
  }
  return 0;
}

void EpollFileClosed(File* file) {
  while (EpollItem* item = file->first_epoll_item) {
    file->first_epoll_item = item->next_of_file;
    delete item;
  }
}

}  // namespace gk
