// SPDX-License-Identifier: Apache-2.0
//
// eventfd(2).
#include <asm/errno.h>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/ipc/anonymous_inode.h"
#include "guestkernel/ipc/syscalls.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {
namespace {

constexpr uint32_t kSemaphore = 1;
constexpr uint64_t kMaxCount = ~uint64_t{0} - 1;

class EventFile final : public AnonymousFile {
 public:
  EventFile(uint64_t count, bool semaphore, uint32_t flags)
      : AnonymousFile("[eventfd]", flags | kOpenReadWrite),
        count_(count),
        semaphore_(semaphore) {}

  int64_t Read(UserIo& io) override {
    if (io.remaining() < sizeof(uint64_t)) return -EINVAL;
    if (count_ == 0) {
      if (nonblocking()) return -EAGAIN;
      GK_RETURN_IF_ERROR(WaitUntil(queue_, [this] { return count_ > 0; }));
    }
    uint64_t value = semaphore_ ? 1 : count_;
    count_ -= value;
    queue_.WakeAll(kPollOut | kPollWrNorm);
    int64_t n = io.CopyOut(&value, sizeof(value));
    return n < 0 ? n : static_cast<int64_t>(sizeof(value));
  }

  int64_t Write(UserIo& io) override {
    uint64_t value;
    if (io.remaining() < sizeof(value)) return -EINVAL;
    if (io.CopyIn(&value, sizeof(value)) != sizeof(value)) return -EFAULT;
    if (value == ~uint64_t{0}) return -EINVAL;
    if (value > kMaxCount - count_) {
      if (nonblocking()) return -EAGAIN;
      GK_RETURN_IF_ERROR(WaitUntil(
          queue_, [this, value] { return value <= kMaxCount - count_; }));
    }
    count_ += value;
    if (count_ > 0) queue_.WakeAll(kPollIn | kPollRdNorm);
    return sizeof(value);
  }

  uint32_t Poll(PollTable* table) override {
    if (table) table->Add(&queue_);
    uint32_t events = 0;
    if (count_ > 0) events |= kPollIn | kPollRdNorm;
    if (count_ < kMaxCount) events |= kPollOut | kPollWrNorm;
    return events;
  }

 private:
  WaitQueue queue_;
  uint64_t count_;
  bool semaphore_;
};

int64_t MakeEventFd(uint64_t count, uint32_t flags) {
  if (flags & ~(kSemaphore | kOpenCloexec | kOpenNonblock)) return -EINVAL;
  auto file =
      MakeRef<EventFile>(count, flags & kSemaphore, flags & kOpenNonblock);
  if (!file) return -ENOMEM;
  GK_ASSIGN_OR_RETURN(int fd, InstallFile(std::move(file), flags));
  return fd;
}

}  // namespace

int64_t SysEventfd(const SyscallArgs& args) {
  return MakeEventFd(args.U32(0), 0);
}

int64_t SysEventfd2(const SyscallArgs& args) {
  return MakeEventFd(args.U32(0), args.U32(1));
}

}  // namespace gk
