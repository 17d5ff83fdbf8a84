// SPDX-License-Identifier: Apache-2.0
//
// Pseudoterminals (pty(7), ptmx(4)): a Tty whose keyboard and screen are a
// file, the master, that a program holds.
#ifndef CRVM_GUESTKERNEL_TTY_PTY_H_
#define CRVM_GUESTKERNEL_TTY_PTY_H_

#include "guestkernel/tty/pty_table.h"
#include "guestkernel/tty/tty.h"

namespace gk {

class PtySlave final : public Tty {
 public:
  explicit PtySlave(uint32_t number)
      : Tty(PtsDevice(number)), number_(number) {}
  ~PtySlave() override { FreePtyNumber(number_); }

  uint32_t number() const { return number_; }
  int Opened(uint32_t open_flags) override;
  void Closed() override;

  // ---- The master.
  int64_t MasterRead(UserIo& io, bool nonblocking);
  int64_t MasterWrite(UserIo& io, bool nonblocking);
  uint32_t MasterPoll(PollTable* table);
  int64_t MasterIoctl(uint32_t command, uint64_t argument);
  void MasterClosed();

 private:
  static constexpr size_t kScreenCapacity = 16384;

  // Tty:
  size_t Transmit(const uint8_t* bytes, size_t n) override;
  void TransmitFlush() override { master_queue_.WakeAll(); }
  void TransmitDiscard() override { screen_size_ = 0; }
  void InputDrained() override { master_queue_.WakeAll(); }
  void StateChanged(uint8_t packet_bits) override;

  // Every slave file is closed, after there was one.
  bool SlaveGone() const { return was_opened_ && !opened(); }
  bool MasterHasInput() const {
    return screen_size_ > 0 || (packet_mode_ && packet_status_ != 0);
  }
  // Moves what the screen shows; packet mode's first byte before it.
  int64_t MoveScreen(UserIo& io);
  int64_t MasterFlush(uint64_t which);
  int64_t OpenPeer(uint64_t flags);

  const uint32_t number_;
  bool locked_ = true;  // until unlockpt(3)
  bool was_opened_ = false;
  bool packet_mode_ = false;
  uint8_t packet_status_ = 0;
  WaitQueue master_queue_;
  // What the slave has written and the master has not read: a ring.
  size_t screen_start_ = 0, screen_size_ = 0;
  uint8_t screen_[kScreenCapacity];
};

class PtyMasterFile final : public File {
 public:
  PtyMasterFile(RefPtr<PtySlave> slave, uint32_t flags)
      : File(flags), slave_(std::move(slave)) {}
  ~PtyMasterFile() override { slave_->MasterClosed(); }

  int64_t Read(UserIo& io) override {
    return slave_->MasterRead(io, nonblocking());
  }
  int64_t Write(UserIo& io) override {
    return slave_->MasterWrite(io, nonblocking());
  }
  uint32_t Poll(PollTable* table) override { return slave_->MasterPoll(table); }
  int64_t Ioctl(uint32_t command, uint64_t argument) override {
    return slave_->MasterIoctl(command, argument);
  }

 private:
  RefPtr<PtySlave> slave_;
};

// Opens /dev/ptmx: a new pair.
Result<RefPtr<File>> OpenPtyMaster(uint32_t flags);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_TTY_PTY_H_
