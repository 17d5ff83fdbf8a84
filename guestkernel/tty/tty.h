// SPDX-License-Identifier: Apache-2.0
//
// Tty: one terminal as programs see it: the line discipline, job control, the
// terminal's ioctls, blocking reads and writes. What is behind it (the VMM's
// console, a pty master) is a subclass. See tty_ioctl(4), termios(3).
#ifndef CRVM_GUESTKERNEL_TTY_TTY_H_
#define CRVM_GUESTKERNEL_TTY_TTY_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/fs/file.h"
#include "guestkernel/fs/inode.h"
#include "guestkernel/fs/poll.h"
#include "guestkernel/fs/user_io.h"
#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/sched/wait_queue.h"
#include "guestkernel/tty/line_discipline.h"
#include "guestkernel/tty/termios.h"

namespace gk {

class Process;

class Tty : public RefCounted, private LineDiscipline::Host {
 public:
  // `device` is the number (MakeDevice) under which programs know it.
  explicit Tty(uint64_t device) : device_(device), discipline_(this) {}

  uint64_t device() const { return device_; }

  // The attributes of its node in /dev/pts.
  struct NodeAttributes {
    uint32_t uid = 0;
    uint32_t gid = 5;  // tty
    uint32_t mode = 0620;
    uint64_t changed_ns = 0;  // realtime
  };
  NodeAttributes& node() { return node_; }

  // ---- Programs. `nonblocking` as O_NONBLOCK.
  int64_t Read(UserIo& io, bool nonblocking);
  int64_t Write(UserIo& io, bool nonblocking);
  uint32_t Poll(PollTable* table);
  int64_t Ioctl(uint32_t command, uint64_t argument);
  // A file was opened or has gone. Opening may make this the controlling
  // terminal (open(2), O_NOCTTY). -EIO: hung up or locked; -EBUSY: TIOCEXCL.
  virtual int Opened(uint32_t open_flags);
  virtual void Closed() { --open_count_; }

  // ---- The device side.
  // Takes a prefix of what came from the keyboard; its length.
  size_t Receive(const uint8_t* bytes, size_t n);
  // Output can go on.
  void OutputReady() {
    FlushOutput();
    write_queue_.WakeAll();
  }
  // The terminal is gone: SIGHUP, and end of file for all who have it open.
  void Hangup();
  void SetWindowSize(const WindowSize& size);
  const WindowSize& window_size() const { return window_size_; }

  // ---- Sessions and job control (tty_session.cc).
  int session() const { return session_; }  // 0: nobody's terminal
  int foreground_group() const { return foreground_group_; }
  // To the foreground group, if there is one.
  void SignalForeground(int signo);
  // Makes this `leader`'s controlling terminal: TIOCSCTTY. -EPERM.
  int Acquire(Process* leader, bool steal);
  // Takes it from all processes of its session.
  void DropSession();

 protected:
  // Gives a prefix of the bytes to the device; its length. Then
  // TransmitFlush(), once for a batch.
  virtual size_t Transmit(const uint8_t* bytes, size_t n) = 0;
  virtual void TransmitFlush() {}
  // Whether all that was transmitted has left.
  virtual bool TransmitIdle() const { return true; }
  virtual void TransmitDiscard() {}
  // Receive() takes bytes again.
  virtual void InputDrained() {}
  // For packet mode: TIOCPKT_* bits, tty_ioctl(4).
  virtual void StateChanged(uint8_t packet_bits) { (void)packet_bits; }

  bool hung_up() const { return hung_up_; }
  bool opened() const { return open_count_ > 0; }
  WaitQueue& read_queue() { return read_queue_; }
  WaitQueue& write_queue() { return write_queue_; }
  LineDiscipline& discipline() { return discipline_; }

 protected:
  // ---- For the pty master, which is not on this terminal itself.
  int64_t GetGroup(UserAddress to);

  enum PacketBit : uint8_t {
    kPacketFlushRead = 1,
    kPacketFlushWrite = 2,
    kPacketStop = 4,
    kPacketStart = 8,
  };

 private:
  // What a read waits for (termios(3), VMIN and VTIME).
  struct ReadRule {
    size_t minimum = 1;
    uint64_t first_wait_ns;  // ~0: for ever
    uint64_t next_wait_ns;
  };
  static constexpr size_t kOutputCapacity = 8192;
  // Kept free for echo, when programs write.
  static constexpr size_t kEchoReserve = 256;

  // LineDiscipline::Host:
  void Echo(const uint8_t* bytes, size_t n) override;
  void Signal(int signo) override { SignalForeground(signo); }
  void DiscardOutput() override;
  void SetOutputStopped(bool stopped) override;

  ReadRule GetReadRule() const;
  // Moves what is there; *done when the read is over.
  int64_t ReadAvailable(UserIo& io, bool* done);
  size_t OutputRoom() const { return kOutputCapacity - output_size_; }
  bool CanWrite() const {
    return OutputRoom() > kEchoReserve + LineDiscipline::kMaxExpansion;
  }
  // Processes a piece of the program's output; bytes taken or negative errno.
  int64_t WritePiece(UserIo& io);
  void AppendOutput(const uint8_t* bytes, size_t n);
  void FlushOutput();
  int WaitForDrain();

  // 0, -EIO, or -kErestartSys after a SIGTTIN or SIGTTOU to the caller's group.
  int CheckBackground(int signo);

  // tty_ioctl.cc
  int64_t IoctlTermios(uint32_t command, UserAddress argument);
  int64_t IoctlSession(uint32_t command, uint64_t argument);
  int64_t IoctlFlow(uint32_t command, uint64_t argument);
  int64_t GetTermios(UserAddress to, bool with_speeds);
  int64_t SetTermios(UserAddress from, bool with_speeds, bool drain,
                     bool flush_input);
  int64_t SetGroup(UserAddress from);
  int64_t SetWindowSizeFromUser(UserAddress from);
  int64_t Flush(uint64_t which);
  int64_t FlowControl(uint64_t action);
  bool IsControllingTerminal() const;

  const uint64_t device_;
  int session_ = 0;
  int foreground_group_ = 0;
  int open_count_ = 0;
  bool hung_up_ = false;
  bool exclusive_ = false;
  NodeAttributes node_;
  WindowSize window_size_;
  uint32_t input_speed_ = 38400, output_speed_ = 38400;
  LineDiscipline discipline_;
  WaitQueue read_queue_, write_queue_;
  // Processed bytes on their way to the device: a ring.
  size_t output_start_ = 0;
  size_t output_size_ = 0;
  uint8_t output_[kOutputCapacity];
};

// An open terminal.
class TtyFile : public File {
 public:
  // Null: out of memory. The tty has been Opened().
  TtyFile(RefPtr<Tty> tty, uint32_t flags)
      : File(flags), tty_(std::move(tty)) {}
  ~TtyFile() override { tty_->Closed(); }

  int64_t Read(UserIo& io) override { return tty_->Read(io, nonblocking()); }
  int64_t Write(UserIo& io) override { return tty_->Write(io, nonblocking()); }
  uint32_t Poll(PollTable* table) override { return tty_->Poll(table); }
  int64_t Ioctl(uint32_t command, uint64_t argument) override {
    return tty_->Ioctl(command, argument);
  }
  int GetAttributes(FileAttributes* out) override;
  Result<KString> Describe() override;
  const void* kind() const override { return &kKind; }

  static constexpr char kKind = 0;
  Tty* tty() const { return tty_.get(); }

 private:
  RefPtr<Tty> tty_;
};

// Opens `tty` with open(2)'s flags.
Result<RefPtr<File>> OpenTty(RefPtr<Tty> tty, uint32_t flags);

// Called by process/ when a session leader exits: SIGHUP to the foreground
// group, and the session loses its terminal.
void TtyHangupSession(Process* leader);

// Boot: registers /dev/tty, /dev/console, /dev/ptmx and the terminal that the
// VMM gave (called by DriversInit).
void TtyInit();

// The VMM's terminal, or null when there is none.
Tty* ConsoleTerminal();

// The three initial files of the current process, as BootInfo::stdio_kind says;
// the VMM's terminal becomes its controlling one. Entries stay null for
// descriptors that are closed on the host. -ENOMEM, -ENODEV.
int OpenStdio(RefPtr<File> files[3]);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_TTY_TTY_H_
