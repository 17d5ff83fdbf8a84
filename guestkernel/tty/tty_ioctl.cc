// SPDX-License-Identifier: Apache-2.0
//
// The ioctls of a terminal: tty_ioctl(4).
#include <asm/ioctls.h>
#include <asm/signal.h>

#include "guestkernel/arch/user_copy.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/tty/tty.h"

namespace gk {

namespace {

// asm-generic/termbits.h: arguments of TCXONC and TCFLSH.
enum { kTcOOff = 0, kTcOOn = 1, kTcIOff = 2, kTcIOn = 3 };
enum { kTcIFlush = 0, kTcOFlush = 1, kTcIoFlush = 2 };

constexpr uint32_t kTcGets2 = 0x802c542a;  // TCGETS2 and TCSETS2*: the numbers
constexpr uint32_t kTcSets2 = 0x402c542b;  // hold the size of struct termios2
constexpr uint32_t kTcSetsW2 = 0x402c542c;
constexpr uint32_t kTcSetsF2 = 0x402c542d;
constexpr uint32_t kTiocGDev = 0x80045432;
constexpr uint32_t kTiocGExcl = 0x80045440;

uint32_t SpeedOf(uint32_t cflag) {
  static constexpr uint32_t kLow[] = {0,    50,   75,    110,  134,  150,
                                      200,  300,  600,   1200, 1800, 2400,
                                      4800, 9600, 19200, 38400};
  static constexpr uint32_t kHigh[] = {
      57600,   115200,  230400,  460800,  500000,  576000,  921600, 1000000,
      1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};
  const uint32_t code = cflag & kBaudMask;
  if (code < 16) return kLow[code];
  const uint32_t high = (code & 017) - 1;
  return high < sizeof(kHigh) / sizeof(kHigh[0]) ? kHigh[high] : 0;
}

}  // namespace

int64_t Tty::Ioctl(uint32_t command, uint64_t argument) {
  if (hung_up_) return -EIO;
  const UserAddress user(argument);
  switch (command) {
    case TCGETS:
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case kTcGets2:
    case kTcSets2:
    case kTcSetsW2:
    case kTcSetsF2:
      return IoctlTermios(command, user);
    case TIOCGWINSZ:
      return CopyToUser(user, &window_size_, sizeof(window_size_));
    case TIOCSWINSZ:
      return SetWindowSizeFromUser(user);
    case TIOCGPGRP:
    case TIOCSPGRP:
    case TIOCGSID:
    case TIOCSCTTY:
    case TIOCNOTTY:
      return IoctlSession(command, argument);
    case TCSBRK:
    case TCSBRKP:
    case TCXONC:
    case TCFLSH:
    case TIOCSBRK:
    case TIOCCBRK:
      return IoctlFlow(command, argument);
    case FIONREAD:
      return WriteUser(user, static_cast<int32_t>(discipline_.ReadableBytes()));
    case TIOCOUTQ:
      return WriteUser(user, static_cast<int32_t>(output_size_));
    case TIOCEXCL:
      exclusive_ = true;
      return 0;
    case TIOCNXCL:
      exclusive_ = false;
      return 0;
    case kTiocGExcl:
      return WriteUser(user, static_cast<int32_t>(exclusive_));
    case TIOCGETD:
      return WriteUser(user, int32_t{0});  // N_TTY
    case TIOCSETD: {
      int32_t wanted = 0;
      GK_ASSIGN_OR_RETURN(wanted, ReadUser<int32_t>(user));
      return wanted == 0 ? 0 : -EINVAL;
    }
    case kTiocGDev:
      return WriteUser(user, static_cast<uint32_t>(device_));
    case TIOCSTI:  // faking input: off, as Linux has it
                   // (dev.tty.legacy_tiocsti)
      return -EIO;
    default:
      return -ENOTTY;
  }
}

// ---- termios

int64_t Tty::IoctlTermios(uint32_t command, UserAddress argument) {
  switch (command) {
    case TCGETS:
      return GetTermios(argument, false);
    case kTcGets2:
      return GetTermios(argument, true);
    case TCSETS:
    case kTcSets2:
      return SetTermios(argument, command == kTcSets2, false, false);
    case TCSETSW:
    case kTcSetsW2:
      return SetTermios(argument, command == kTcSetsW2, true, false);
    default:
      return SetTermios(argument, command == kTcSetsF2, true, true);
  }
}

int64_t Tty::GetTermios(UserAddress to, bool with_speeds) {
  Termios2 out;
  out.base = discipline_.termios();
  out.input_speed = input_speed_;
  out.output_speed = output_speed_;
  return CopyToUser(to, &out, with_speeds ? sizeof(out) : sizeof(out.base));
}

int64_t Tty::SetTermios(UserAddress from, bool with_speeds, bool drain,
                        bool flush_input) {
  GK_RETURN_IF_ERROR(CheckBackground(SIGTTOU));
  Termios2 wanted;
  GK_RETURN_IF_ERROR(CopyFromUser(
      &wanted, from, with_speeds ? sizeof(wanted) : sizeof(wanted.base)));
  if (drain) GK_RETURN_IF_ERROR(WaitForDrain());
  if (flush_input) {
    discipline_.FlushInput();
    InputDrained();
  }
  const bool custom =
      with_speeds && (wanted.base.cflag & kBaudMask) == kBaudOther;
  output_speed_ = custom ? wanted.output_speed : SpeedOf(wanted.base.cflag);
  input_speed_ = custom ? wanted.input_speed : output_speed_;
  wanted.base.line = 0;
  discipline_.SetTermios(wanted.base);
  // What was typed may be readable now.
  if (discipline_.HasInput()) read_queue_.WakeAll();
  return 0;
}

int64_t Tty::SetWindowSizeFromUser(UserAddress from) {
  WindowSize size;
  GK_ASSIGN_OR_RETURN(size, ReadUser<WindowSize>(from));
  SetWindowSize(size);
  return 0;
}

// ---- sessions

int64_t Tty::IoctlSession(uint32_t command, uint64_t argument) {
  Process* process = CurrentProcess();
  const UserAddress user(argument);
  switch (command) {
    case TIOCGPGRP:
      if (!IsControllingTerminal()) return -ENOTTY;
      return GetGroup(user);
    case TIOCSPGRP:
      return SetGroup(user);
    case TIOCGSID:
      if (!IsControllingTerminal() || session_ == 0) return -ENOTTY;
      return WriteUser(user, static_cast<int32_t>(session_));
    case TIOCSCTTY:
      return Acquire(process, argument == 1);
    default:  // TIOCNOTTY
      if (!IsControllingTerminal()) return -ENOTTY;
      if (process->pid == process->sid) {
        TtyHangupSession(process);
      } else {
        process->tty.reset();
      }
      return 0;
  }
}

int64_t Tty::GetGroup(UserAddress to) {
  return WriteUser(to, static_cast<int32_t>(foreground_group_));
}

int64_t Tty::SetGroup(UserAddress from) {
  const int background = CheckBackground(SIGTTOU);
  if (background == -EIO) return -ENOTTY;
  if (background < 0) return background;
  Process* process = CurrentProcess();
  if (!IsControllingTerminal() || session_ != process->sid) return -ENOTTY;
  int32_t group = 0;
  GK_ASSIGN_OR_RETURN(group, ReadUser<int32_t>(from));
  if (group < 0) return -EINVAL;
  if (!ProcessGroupExists(group, process->sid)) return -EPERM;
  foreground_group_ = group;
  return 0;
}

// ---- flow

int64_t Tty::IoctlFlow(uint32_t command, uint64_t argument) {
  GK_RETURN_IF_ERROR(CheckBackground(SIGTTOU));
  switch (command) {
    case TCXONC:
      return FlowControl(argument);
    case TCFLSH:
      return Flush(argument);
    case TIOCCBRK:
      return 0;
    default:  // breaks: nothing to break, but output drains first
      return WaitForDrain();
  }
}

int64_t Tty::FlowControl(uint64_t action) {
  switch (action) {
    case kTcOOff:
      discipline_.SetOutputStopped(true);
      return 0;
    case kTcOOn:
      discipline_.SetOutputStopped(false);
      return 0;
    case kTcIOff:
    case kTcIOn: {
      const uint8_t c =
          discipline_.termios().chars[action == kTcIOff ? kVStop : kVStart];
      if (c != 0) AppendOutput(&c, 1);
      FlushOutput();
      return 0;
    }
    default:
      return -EINVAL;
  }
}

int64_t Tty::Flush(uint64_t which) {
  if (which > kTcIoFlush) return -EINVAL;
  if (which != kTcOFlush) {
    discipline_.FlushInput();
    StateChanged(kPacketFlushRead);
    InputDrained();
  }
  if (which != kTcIFlush) DiscardOutput();
  return 0;
}

}  // namespace gk
