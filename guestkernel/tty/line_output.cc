// SPDX-License-Identifier: Apache-2.0
//
// See line_discipline.h. Echo, the effect of editing on the screen, and output
// processing.
#include "guestkernel/tty/line_discipline.h"

namespace gk {

namespace {
bool IsWordByte(uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
         (c >= 'a' && c <= 'z') || c == '_' || c >= 0x80;
}
}  // namespace

void LineDiscipline::Erase(TermiosChar kind) {
  if (head_ == committed_) return;  // nothing on this line
  if (kind == kVKill &&
      !(Local(kEcho) && Local(kEchoK) && Local(kEchoKe) && Local(kEchoE))) {
    EraseLine();
    return;
  }
  bool in_word = false;
  while (head_ != committed_) {
    // One character: its bytes from the last back to the first.
    size_t start = head_ - 1;
    while (start != committed_ &&
           IsContinuation(static_cast<uint8_t>(At(start)))) {
      --start;
    }
    const uint8_t c = static_cast<uint8_t>(At(start));
    if (kind == kVWerase) {
      if (IsWordByte(c)) {
        in_word = true;
      } else if (in_word) {
        break;
      }
    }
    head_ = start;
    if (Local(kEcho)) EchoErased(c, kind);
    if (kind == kVErase) break;
  }
  if (head_ == committed_ && erasing_) {
    EchoRaw("/");
    erasing_ = false;
  }
}

// KILL on a terminal that cannot rub out.
void LineDiscipline::EraseLine() {
  head_ = committed_;
  if (erasing_) {
    EchoRaw("/");
    erasing_ = false;
  }
  if (!Local(kEcho)) return;
  EchoInput(termios_.chars[kVKill]);
  if (Local(kEchoK)) EchoByte('\n');
  line_column_ = column_;
}

void LineDiscipline::EchoErased(uint8_t c, TermiosChar kind) {
  if (Local(kEchoPrt)) {
    if (!erasing_) {
      EchoRaw("\\");
      erasing_ = true;
    }
    EchoInput(c);
  } else if (kind == kVErase && !Local(kEchoE)) {
    EchoInput(termios_.chars[kVErase]);
  } else if (c == '\t') {
    // Back to where the rest of the line ends.
    const unsigned target = LineColumn();
    while (column_ > target) {
      EchoRaw("\b");
      --column_;
    }
  } else {
    const unsigned width = IsControl(c) ? (Local(kEchoCtl) ? 2 : 0) : 1;
    for (unsigned i = 0; i < width; ++i) {
      EchoRaw("\b \b");
      if (column_ > 0) --column_;
    }
  }
}

unsigned LineDiscipline::LineColumn() const {
  unsigned column = line_column_;
  for (size_t i = committed_; i != head_; ++i) {
    const uint8_t c = static_cast<uint8_t>(At(i));
    if (c == '\t') {
      column = (column | 7) + 1;
    } else if (IsControl(c)) {
      if (Local(kEchoCtl)) column += 2;
    } else if (!IsContinuation(c)) {
      ++column;
    }
  }
  return column;
}

void LineDiscipline::Reprint() {
  if (erasing_) {
    EchoRaw("/");
    erasing_ = false;
  }
  EchoInput(termios_.chars[kVReprint]);
  EchoByte('\n');
  line_column_ = column_;
  for (size_t i = committed_; i != head_; ++i) {
    EchoInput(static_cast<uint8_t>(At(i)));
  }
}

void LineDiscipline::EchoRaw(const char* text) {
  host_->Echo(reinterpret_cast<const uint8_t*>(text), __builtin_strlen(text));
}

void LineDiscipline::EchoByte(uint8_t c) {
  uint8_t processed[kMaxExpansion];
  size_t produced = 0;
  ProcessOutput(&c, 1, processed, sizeof(processed), &produced);
  host_->Echo(processed, produced);
}

void LineDiscipline::EchoInput(uint8_t c) {
  if (IsControl(c) && c != '\t' && Local(kEchoCtl)) {
    EchoByte('^');
    EchoByte(c ^ 0x40);
  } else {
    EchoByte(c);
  }
}

size_t LineDiscipline::ProcessOutput(const uint8_t* from, size_t n, uint8_t* to,
                                     size_t room, size_t* produced) {
  size_t taken = 0;
  size_t out = 0;
  if (!Output(kOPost)) {
    taken = out = n < room ? n : room;
    for (size_t i = 0; i < taken; ++i) to[i] = from[i];
    *produced = out;
    return taken;
  }
  while (taken < n && room - out >= kMaxExpansion) {
    out += ProcessOne(from[taken++], to + out);
  }
  *produced = out;
  return taken;
}

// One byte under OPOST; the number of bytes that it became.
size_t LineDiscipline::ProcessOne(uint8_t c, uint8_t* to) {
  switch (c) {
    case '\n':
      if (Output(kONlRet)) column_ = line_column_ = 0;
      if (Output(kONlCr)) {
        column_ = line_column_ = 0;
        to[0] = '\r';
        to[1] = '\n';
        return 2;
      }
      break;
    case '\r':
      if (Output(kONoCr) && column_ == 0) return 0;
      if (Output(kOCrNl)) {
        if (Output(kONlRet)) column_ = line_column_ = 0;
        to[0] = '\n';
        return 1;
      }
      column_ = line_column_ = 0;
      break;
    case '\t': {
      const unsigned spaces = 8 - (column_ & 7);
      column_ += spaces;
      if ((termios_.oflag & kTabDelay) != kTab3) break;
      for (unsigned i = 0; i < spaces; ++i) to[i] = ' ';
      return spaces;
    }
    case '\b':
      if (column_ > 0) --column_;
      break;
    default:
      if (IsControl(c)) break;
      if (Output(kOLcuc) && c >= 'a' && c <= 'z') c -= 0x20;
      if (!IsContinuation(c)) ++column_;
      break;
  }
  to[0] = c;
  return 1;
}

}  // namespace gk
