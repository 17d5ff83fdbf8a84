// SPDX-License-Identifier: Apache-2.0
//
// See tty.h. Reading, writing, polling.
#include "guestkernel/tty/tty.h"

#include <asm/signal.h>

#include "guestkernel/lib/errno.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {

constexpr uint64_t kForever = ~uint64_t{0};
constexpr uint64_t kTenthNs = 100'000'000;
constexpr size_t kPiece = 256;  // bytes moved at a time, on the stack

}  // namespace

// ---- Reading.

Tty::ReadRule Tty::GetReadRule() const {
  const Termios& t = discipline_.termios();
  ReadRule rule{1, kForever, kForever};
  if (t.lflag & kICanon) return rule;
  const uint64_t time = t.chars[kVTime] * kTenthNs;
  if (t.chars[kVMin] > 0) {
    rule.minimum = t.chars[kVMin];
    if (time > 0) rule.next_wait_ns = time;  // between bytes
  } else {
    rule.first_wait_ns = time;
  }
  return rule;
}

int64_t Tty::Read(UserIo& io, bool nonblocking) {
  if (io.remaining() == 0) return 0;
  GK_RETURN_IF_ERROR(CheckBackground(SIGTTIN));
  const ReadRule rule = GetReadRule();
  uint64_t wait_ns = rule.first_wait_ns;
  const auto total = [&io] { return static_cast<int64_t>(io.done()); };
  for (;;) {
    if (discipline_.HasInput()) {
      bool done = false;
      const int64_t error = ReadAvailable(io, &done);
      InputDrained();
      if (error < 0) return total() > 0 ? total() : error;
      if (done || io.done() >= rule.minimum) return total();
      wait_ns = rule.next_wait_ns;
    }
    if (hung_up_ || wait_ns == 0) return total();
    if (nonblocking) return total() > 0 ? total() : -EAGAIN;
    const int error = WaitUntil(
        read_queue_, [this] { return discipline_.HasInput() || hung_up_; },
        Deadline::After(wait_ns));
    if (error == -ETIMEDOUT) return total();
    if (error < 0) return total() > 0 ? total() : error;
  }
}

int64_t Tty::ReadAvailable(UserIo& io, bool* done) {
  const bool canonical = discipline_.termios().lflag & kICanon;
  while (discipline_.HasInput()) {
    uint8_t bytes[kPiece];
    const size_t room = io.remaining() < kPiece ? io.remaining() : kPiece;
    bool line_done = false;
    const size_t n = discipline_.Read(bytes, room, &line_done);
    const int64_t copied = io.CopyOut(bytes, n);
    if (copied < 0) return copied;
    *done = io.remaining() == 0 || static_cast<size_t>(copied) < n ||
            (canonical && line_done);
    if (*done) break;
  }
  return 0;
}

// ---- Writing.

int64_t Tty::Write(UserIo& io, bool nonblocking) {
  if (discipline_.termios().lflag & kToStop) {
    GK_RETURN_IF_ERROR(CheckBackground(SIGTTOU));
  }
  int64_t error = 0;
  while (io.remaining() > 0 && error == 0) {
    if (hung_up_) {
      error = -EIO;
    } else if (CanWrite()) {
      const int64_t n = WritePiece(io);
      if (n < 0) error = n;
    } else {
      FlushOutput();
      if (CanWrite()) continue;
      if (nonblocking) {
        error = -EAGAIN;
      } else {
        error =
            WaitUntil(write_queue_, [this] { return CanWrite() || hung_up_; });
      }
    }
  }
  FlushOutput();
  return io.done() > 0 ? static_cast<int64_t>(io.done()) : error;
}

int64_t Tty::WritePiece(UserIo& io) {
  uint8_t bytes[kPiece];
  uint8_t processed[2 * kPiece];
  const size_t room = OutputRoom() - kEchoReserve;
  const int64_t n =
      io.CopyIn(bytes, io.remaining() < kPiece ? io.remaining() : kPiece);
  if (n <= 0) return n < 0 ? n : -EFAULT;
  size_t produced = 0;
  const size_t taken = discipline_.ProcessOutput(
      bytes, n, processed, room < sizeof(processed) ? room : sizeof(processed),
      &produced);
  io.Rewind(n - taken);
  AppendOutput(processed, produced);
  return static_cast<int64_t>(taken);
}

void Tty::AppendOutput(const uint8_t* bytes, size_t n) {
  for (size_t i = 0; i < n && output_size_ < kOutputCapacity; ++i) {
    output_[(output_start_ + output_size_++) % kOutputCapacity] = bytes[i];
  }
}

void Tty::FlushOutput() {
  if (discipline_.output_stopped()) return;
  bool unflushed = false;
  while (output_size_ > 0) {
    const size_t to_end = kOutputCapacity - output_start_;
    const size_t n = output_size_ < to_end ? output_size_ : to_end;
    const size_t taken = Transmit(output_ + output_start_, n);
    if (taken > 0) {
      output_start_ = (output_start_ + taken) % kOutputCapacity;
      output_size_ -= taken;
      unflushed = true;
    } else if (unflushed) {
      TransmitFlush();  // makes room, if the device is quick
      unflushed = false;
    } else {
      break;
    }
  }
  if (unflushed) TransmitFlush();
}

// The device calls OutputReady() as it drains.
int Tty::WaitForDrain() {
  FlushOutput();
  return WaitUntil(write_queue_, [this] {
    return hung_up_ || (output_size_ == 0 && TransmitIdle());
  });
}

void Tty::Echo(const uint8_t* bytes, size_t n) { AppendOutput(bytes, n); }

void Tty::DiscardOutput() {
  output_size_ = 0;
  TransmitDiscard();
  StateChanged(kPacketFlushWrite);
  write_queue_.WakeAll();
}

void Tty::SetOutputStopped(bool stopped) {
  StateChanged(stopped ? kPacketStop : kPacketStart);
  if (!stopped) OutputReady();
}

// ---- The device side.

size_t Tty::Receive(const uint8_t* bytes, size_t n) {
  const size_t room = discipline_.InputSpace();
  const size_t taken = n < room ? n : room;
  if (taken > 0) {
    discipline_.Receive(bytes, taken);
    FlushOutput();  // echo
    if (discipline_.HasInput()) read_queue_.WakeAll(kPollIn | kPollRdNorm);
  }
  return taken;
}

uint32_t Tty::Poll(PollTable* table) {
  if (table) {
    table->Add(&read_queue_);
    table->Add(&write_queue_);
  }
  constexpr uint32_t kIn = kPollIn | kPollRdNorm;
  constexpr uint32_t kOut = kPollOut | kPollWrNorm;
  if (hung_up_) return kIn | kOut | kPollErr | kPollHup;
  const Termios& t = discipline_.termios();
  const bool whole = !(t.lflag & kICanon) && t.chars[kVTime] == 0;
  const size_t amount = whole && t.chars[kVMin] > 0 ? t.chars[kVMin] : 1;
  uint32_t events = discipline_.HasInput(amount) ? kIn : 0;
  if (CanWrite()) events |= kOut;
  return events;
}

// ---- Files.

Result<RefPtr<File>> OpenTty(RefPtr<Tty> tty, uint32_t flags) {
  GK_RETURN_IF_ERROR(tty->Opened(flags));
  auto file = MakeRef<TtyFile>(tty, flags);
  if (!file) {
    tty->Closed();
    return Error(-ENOMEM);
  }
  return RefPtr<File>(std::move(file));
}

int TtyFile::GetAttributes(FileAttributes* out) {
  if (inode()) return inode()->GetAttributes(out);
  *out = FileAttributes{};
  out->mode = kModeChar | 0620;
  out->rdev = tty_->device();
  return 0;
}

Result<KString> TtyFile::Describe() {
  if (dentry()) return File::Describe();
  return KString::From("/dev/console");
}

}  // namespace gk
