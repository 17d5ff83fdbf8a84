// SPDX-License-Identifier: Apache-2.0
//
// See line_discipline.h. Input: what the terminal sends, byte by byte.
#include "guestkernel/tty/line_discipline.h"

#include <asm/signal.h>

namespace gk {

void LineDiscipline::SetTermios(const Termios& termios) {
  const bool was_canonical = Local(kICanon);
  termios_ = termios;
  if (was_canonical != Local(kICanon)) {
    // What was typed so far is not lost: it is one finished line now, or bytes.
    if (Local(kICanon) && head_ != tail_) At(head_ - 1) |= kLineEnd;
    if (!Local(kICanon)) {
      for (size_t i = tail_; i != head_; ++i) At(i) &= 0xff;
    }
    Commit();
    literal_next_ = false;
    erasing_ = false;
    line_column_ = column_;
  }
  if (!Input(kIXon) && output_stopped_) SetOutputStopped(false);
}

void LineDiscipline::SetOutputStopped(bool stopped) {
  if (output_stopped_ == stopped) return;
  output_stopped_ = stopped;
  host_->SetOutputStopped(stopped);
}

size_t LineDiscipline::InputSpace() const {
  if (!Local(kICanon)) return kCapacity - used();
  // Store() keeps the last cell for the end of a line.
  const size_t room = used() < kCapacity ? kCapacity - 1 - used() : 0;
  // Nobody can read an unfinished line: bytes that do not fit in it are lost,
  // so that the one that finishes it can come through.
  return room == 0 && committed_ == tail_ ? kCapacity : room;
}

void LineDiscipline::Receive(const uint8_t* bytes, size_t n) {
  for (size_t i = 0; i < n; ++i) ReceiveByte(bytes[i]);
  if (!Local(kICanon)) Commit();
}

void LineDiscipline::ReceiveByte(uint8_t c) {
  if (Input(kIStrip)) c &= 0x7f;
  if (Input(kIUclc) && Local(kIExten) && c >= 'A' && c <= 'Z') c |= 0x20;
  if (Local(kExtProc)) {
    Store(c);
    return;
  }
  if (literal_next_) {
    literal_next_ = false;
    ReceiveOrdinary(c);
    return;
  }
  if (ReceiveFlowControl(c) || ReceiveSignal(c)) return;
  if (c == '\r') {
    if (Input(kIgnCr)) return;
    if (Input(kICrNl)) c = '\n';
  } else if (c == '\n' && Input(kINlCr)) {
    c = '\r';
  }
  if (Local(kICanon) && (ReceiveEditing(c) || ReceiveLineEnd(c))) return;
  ReceiveOrdinary(c);
}

bool LineDiscipline::ReceiveFlowControl(uint8_t c) {
  if (!Input(kIXon)) return false;
  if (Is(c, kVStart)) {  // also where STOP is the same character
    const bool toggle = Is(c, kVStop) && !output_stopped_;
    SetOutputStopped(toggle);
    return true;
  }
  if (Is(c, kVStop)) {
    SetOutputStopped(true);
    return true;
  }
  if (Input(kIXany)) SetOutputStopped(false);
  return false;
}

bool LineDiscipline::ReceiveSignal(uint8_t c) {
  if (!Local(kISig)) return false;
  if (Is(c, kVIntr)) {
    RaiseSignal(SIGINT, c);
  } else if (Is(c, kVQuit)) {
    RaiseSignal(SIGQUIT, c);
  } else if (Is(c, kVSusp)) {
    RaiseSignal(SIGTSTP, c);
  } else {
    return false;
  }
  return true;
}

void LineDiscipline::RaiseSignal(int signo, uint8_t c) {
  if (!Local(kNoFlsh)) {
    FlushInput();
    host_->DiscardOutput();
  }
  if (Input(kIXon)) SetOutputStopped(false);
  if (Local(kEcho)) EchoInput(c);
  host_->Signal(signo);
}

bool LineDiscipline::ReceiveEditing(uint8_t c) {
  if (Is(c, kVErase)) {
    Erase(kVErase);
  } else if (Is(c, kVKill)) {
    Erase(kVKill);
  } else if (Local(kIExten) && Is(c, kVWerase)) {
    Erase(kVWerase);
  } else if (Local(kIExten) && Is(c, kVLnext)) {
    literal_next_ = true;
    if (Local(kEcho) && Local(kEchoCtl)) EchoRaw("^\b");
  } else if (Local(kIExten) && Local(kEcho) && Is(c, kVReprint)) {
    Reprint();
  } else {
    return false;
  }
  return true;
}

bool LineDiscipline::ReceiveLineEnd(uint8_t c) {
  if (Is(c, kVEof)) {
    if (Store(kEofMark | kLineEnd)) Commit();
    line_column_ = column_;
    return true;
  }
  const bool extra_end = Is(c, kVEol) || (Local(kIExten) && Is(c, kVEol2));
  if (c != '\n' && !extra_end) return false;
  if (erasing_) {
    EchoRaw("/");
    erasing_ = false;
  }
  if (Local(kEcho) || (c == '\n' && Local(kEchoNl))) {
    if (extra_end) {
      EchoInput(c);
    } else {
      EchoByte(c);
    }
  }
  // The end of the line takes the place of its last byte if there is no room.
  if (used() == kCapacity && committed_ != head_) --head_;
  if (Store(c | kLineEnd)) Commit();
  line_column_ = column_;
  return true;
}

void LineDiscipline::ReceiveOrdinary(uint8_t c) {
  const bool starts_line = committed_ == head_;
  // Doubled where 0xff marks errors, so that it is not a mark.
  if (c == 0xff && Input(kParMrk) && !Store(c)) return;
  if (!Store(c)) return;
  if (Local(kEcho)) {
    if (erasing_) {
      EchoRaw("/");
      erasing_ = false;
    }
    if (starts_line) line_column_ = column_;
    if (c == '\n') {
      EchoByte(c);
    } else {
      EchoInput(c);
    }
  }
}

bool LineDiscipline::Store(Cell cell) {
  // A line leaves room for its end; EOF and newline may take the last cell.
  const bool ends = (cell & kLineEnd) != 0;
  const size_t limit = Local(kICanon) && !ends ? kCapacity - 1 : kCapacity;
  if (used() >= limit) {
    if (Input(kIMaxBel)) EchoRaw("\a");
    return false;
  }
  At(head_++) = cell;
  return true;
}

bool LineDiscipline::HasInput(size_t amount) const {
  if (Local(kICanon)) return committed_ != tail_;
  return used() >= amount;
}

bool LineDiscipline::AtEndOfFile() const {
  return Local(kICanon) && committed_ != tail_ && (At(tail_) & kEofMark);
}

size_t LineDiscipline::Read(uint8_t* to, size_t n, bool* line_done) {
  size_t done = 0;
  *line_done = false;
  while (tail_ != committed_) {
    const Cell cell = At(tail_);
    if (cell & kEofMark) {
      // Ends this read; also right behind the last byte that it wanted, for
      // the next read must not see it as end of file.
      ++tail_;
      *line_done = true;
      break;
    }
    if (done == n) break;
    to[done++] = static_cast<uint8_t>(cell);
    ++tail_;
    if (cell & kLineEnd) {
      *line_done = true;
      break;
    }
  }
  return done;
}

size_t LineDiscipline::ReadableBytes() const {
  size_t n = 0;
  for (size_t i = tail_; i != committed_; ++i) {
    if (!(At(i) & kEofMark)) ++n;
  }
  return n;
}

void LineDiscipline::FlushInput() {
  tail_ = committed_ = head_ = 0;
  literal_next_ = false;
  erasing_ = false;
  line_column_ = column_;
}

}  // namespace gk
