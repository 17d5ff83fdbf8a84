// SPDX-License-Identifier: Apache-2.0
//
// See pty.h.
#include "guestkernel/tty/pty.h"

#include <asm/ioctls.h>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/thread.h"

namespace gk {

namespace {
constexpr size_t kPiece = 256;
}

// ---- The slave.

int PtySlave::Opened(uint32_t open_flags) {
  if (locked_) return -EIO;
  GK_RETURN_IF_ERROR(Tty::Opened(open_flags));
  was_opened_ = true;
  return 0;
}

void PtySlave::Closed() {
  Tty::Closed();
  if (SlaveGone()) master_queue_.WakeAll();
}

size_t PtySlave::Transmit(const uint8_t* bytes, size_t n) {
  const size_t room = kScreenCapacity - screen_size_;
  if (n > room) n = room;
  for (size_t i = 0; i < n; ++i) {
    screen_[(screen_start_ + screen_size_++) % kScreenCapacity] = bytes[i];
  }
  return n;
}

void PtySlave::StateChanged(uint8_t packet_bits) {
  if (!packet_mode_) return;
  if (packet_bits & kPacketStop) packet_status_ &= ~kPacketStart;
  if (packet_bits & kPacketStart) packet_status_ &= ~kPacketStop;
  packet_status_ |= packet_bits;
  master_queue_.WakeAll();
}

// ---- The master.

int64_t PtySlave::MasterRead(UserIo& io, bool nonblocking) {
  if (io.remaining() == 0) return 0;
  if (!MasterHasInput()) {
    if (SlaveGone()) return -EIO;
    if (nonblocking) return -EAGAIN;
    const int error = WaitUntil(
        master_queue_, [this] { return MasterHasInput() || SlaveGone(); });
    if (error < 0) return error;
    if (!MasterHasInput()) return -EIO;
  }
  const int64_t n = MoveScreen(io);
  OutputReady();  // the slave's writers can go on
  return n;
}

int64_t PtySlave::MoveScreen(UserIo& io) {
  if (packet_mode_) {
    const uint8_t status = packet_status_;
    const int64_t n = io.CopyOut(&status, 1);
    if (n < 1) return -EFAULT;
    packet_status_ = 0;
    if (status != 0) return 1;
  }
  while (screen_size_ > 0 && io.remaining() > 0) {
    const size_t to_end = kScreenCapacity - screen_start_;
    size_t n = screen_size_ < to_end ? screen_size_ : to_end;
    if (n > io.remaining()) n = io.remaining();
    const int64_t moved = io.CopyOut(screen_ + screen_start_, n);
    if (moved < 0) return io.done() > 0 ? io.done() : moved;
    screen_start_ = (screen_start_ + moved) % kScreenCapacity;
    screen_size_ -= moved;
    if (static_cast<size_t>(moved) < n) break;
  }
  return static_cast<int64_t>(io.done());
}

int64_t PtySlave::MasterWrite(UserIo& io, bool nonblocking) {
  const auto total = [&io] { return static_cast<int64_t>(io.done()); };
  while (io.remaining() > 0) {
    const size_t room = discipline().InputSpace();
    if (room == 0) {
      if (nonblocking) return total() > 0 ? total() : -EAGAIN;
      const int error = WaitUntil(
          master_queue_, [this] { return discipline().InputSpace() > 0; });
      if (error < 0) return total() > 0 ? total() : error;
      continue;
    }
    uint8_t bytes[kPiece];
    size_t n = room < kPiece ? room : kPiece;
    if (n > io.remaining()) n = io.remaining();
    const int64_t copied = io.CopyIn(bytes, n);
    if (copied <= 0) return total() > 0 ? total() : -EFAULT;
    Receive(bytes, copied);
  }
  return total();
}

uint32_t PtySlave::MasterPoll(PollTable* table) {
  if (table) table->Add(&master_queue_);
  uint32_t events = 0;
  if (MasterHasInput()) events |= kPollIn | kPollRdNorm;
  if (packet_mode_ && packet_status_ != 0) events |= kPollPri;
  if (SlaveGone()) events |= kPollHup;
  if (discipline().InputSpace() > 0) events |= kPollOut | kPollWrNorm;
  return events;
}

void PtySlave::MasterClosed() {
  SetPty(number_, nullptr);  // gone from /dev/pts; the number is still taken
  Hangup();
}

int64_t PtySlave::MasterIoctl(uint32_t command, uint64_t argument) {
  const UserAddress user(argument);
  switch (command) {
    case TIOCGPTN:
      return WriteUser(user, number_);
    case TIOCSPTLCK: {
      int32_t lock = 0;
      GK_ASSIGN_OR_RETURN(lock, ReadUser<int32_t>(user));
      locked_ = lock != 0;
      return 0;
    }
    case TIOCGPTLCK:
      return WriteUser(user, static_cast<int32_t>(locked_));
    case TIOCGPTPEER:
      return OpenPeer(argument);
    case TIOCPKT: {
      int32_t on = 0;
      GK_ASSIGN_OR_RETURN(on, ReadUser<int32_t>(user));
      packet_mode_ = on != 0;
      packet_status_ = 0;
      return 0;
    }
    case TIOCGPKT:
      return WriteUser(user, static_cast<int32_t>(packet_mode_));
    case TIOCSIG:
      if (argument < 1 || argument > kSignalCount) return -EINVAL;
      SignalForeground(static_cast<int>(argument));
      return 0;
    case TIOCGPGRP:
      return GetGroup(user);
    case TIOCGSID:
      if (session() == 0) return -ENOTTY;
      return WriteUser(user, static_cast<int32_t>(session()));
    case FIONREAD:
      return WriteUser(user, static_cast<int32_t>(screen_size_));
    case TCFLSH:
      return MasterFlush(argument);
    case TIOCSCTTY:
    case TIOCNOTTY:
      return -ENOTTY;
    default:
      return Tty::Ioctl(command, argument);
  }
}

// The master's input is the screen, its output the slave's input.
int64_t PtySlave::MasterFlush(uint64_t which) {
  if (which > 2) return -EINVAL;
  if (which != 1) {
    screen_size_ = 0;
    OutputReady();
  }
  if (which != 0) {
    discipline().FlushInput();
    master_queue_.WakeAll();
  }
  return 0;
}

int64_t PtySlave::OpenPeer(uint64_t flags) {
  KString path;
  GK_RETURN_IF_ERROR(path.AppendFormat("/dev/pts/%u", number_));
  constexpr uint64_t kAllowed =
      kOpenAccessMask | kOpenNoCtty | kOpenNonblock | kOpenCloexec;
  const uint32_t open_flags = static_cast<uint32_t>(flags & kAllowed);
  RefPtr<File> file;
  GK_ASSIGN_OR_RETURN(file, OpenPath(kAtFdCwd, path.view(), open_flags, 0));
  int fd = 0;
  GK_ASSIGN_OR_RETURN(fd, InstallFile(std::move(file), open_flags));
  return fd;
}

Result<RefPtr<File>> OpenPtyMaster(uint32_t flags) {
  uint32_t number = 0;
  GK_ASSIGN_OR_RETURN(number, TakePtyNumber());
  auto slave = MakeRef<PtySlave>(number);
  if (!slave) {
    FreePtyNumber(number);
    return Error(-ENOMEM);
  }
  slave->node().uid = CurrentThread()->credentials.fsuid;
  slave->node().changed_ns = RealtimeNs();
  auto file = MakeRef<PtyMasterFile>(slave, flags);
  if (!file) return Error(-ENOMEM);
  SetPty(number, slave.get());
  return RefPtr<File>(std::move(file));
}

}  // namespace gk
