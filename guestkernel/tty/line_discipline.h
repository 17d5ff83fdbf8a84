// SPDX-License-Identifier: Apache-2.0
//
// The line discipline N_TTY (termios(3), POSIX.1 chapter 11): editing, echo,
// signals, newline mapping and flow control between what a terminal sends and
// what programs read, and the other way round. Pure state: never blocks, knows
// no processes and no devices; the terminal that it belongs to is its Host.
#ifndef CRVM_GUESTKERNEL_TTY_LINE_DISCIPLINE_H_
#define CRVM_GUESTKERNEL_TTY_LINE_DISCIPLINE_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/tty/termios.h"

namespace gk {

class LineDiscipline {
 public:
  class Host {
   public:
    // Echo: bytes for the terminal, as they are. What does not fit is lost.
    virtual void Echo(const uint8_t* bytes, size_t n) = 0;
    // INTR, QUIT, SUSP: to the foreground process group.
    virtual void Signal(int signo) = 0;
    // Output that is still waiting is thrown away (after a signal).
    virtual void DiscardOutput() = 0;
    // Flow control by STOP and START.
    virtual void SetOutputStopped(bool stopped) = 0;

   protected:
    ~Host() = default;
  };

  // One line, as Linux has it: no more than this with its newline.
  static constexpr size_t kCapacity = 4096;

  explicit LineDiscipline(Host* host) : host_(host) {}
  LineDiscipline(const LineDiscipline&) = delete;
  LineDiscipline& operator=(const LineDiscipline&) = delete;

  const Termios& termios() const { return termios_; }
  // Switching canonical mode on or off keeps what has been typed: it becomes
  // one finished line, or readable bytes.
  void SetTermios(const Termios& termios);

  // ---- From the terminal.

  // How many bytes Receive() can take now without losing any.
  size_t InputSpace() const;
  void Receive(const uint8_t* bytes, size_t n);

  // ---- To the reader.

  // Whether a read would get something: a finished line, or `amount` bytes in
  // non-canonical mode.
  bool HasInput(size_t amount = 1) const;
  // Whether the next read gives end of file (0 bytes).
  bool AtEndOfFile() const;
  // Moves up to n bytes: no more than one line in canonical mode, where
  // *line_done says whether it came to the line's end (nothing but that: end of
  // file).
  size_t Read(uint8_t* to, size_t n, bool* line_done);
  // FIONREAD.
  size_t ReadableBytes() const;
  void FlushInput();

  // ---- To the terminal.

  // Applies output processing to a prefix of `from` for which `to` has room;
  // returns how much of `from` was taken and sets *produced.
  size_t ProcessOutput(const uint8_t* from, size_t n, uint8_t* to, size_t room,
                       size_t* produced);
  // At most this many bytes come out of one byte in (a tab).
  static constexpr size_t kMaxExpansion = 8;

  bool output_stopped() const { return output_stopped_; }
  void SetOutputStopped(bool stopped);  // TCXONC

 private:
  // A cell of the ring: the byte, and marks.
  using Cell = uint16_t;
  static constexpr Cell kLineEnd = 0x100;  // the last byte of a line
  static constexpr Cell kEofMark = 0x200;  // ends a line but is not read

  bool Input(uint32_t flag) const { return termios_.iflag & flag; }
  bool Output(uint32_t flag) const { return termios_.oflag & flag; }
  bool Local(uint32_t flag) const { return termios_.lflag & flag; }
  // A special character that is not disabled (0).
  bool Is(uint8_t c, TermiosChar which) const {
    return c != 0 && termios_.chars[which] == c;
  }

  Cell& At(size_t position) { return ring_[position % kCapacity]; }
  Cell At(size_t position) const { return ring_[position % kCapacity]; }
  size_t used() const { return head_ - tail_; }

  void ReceiveByte(uint8_t c);
  bool ReceiveFlowControl(uint8_t c);
  bool ReceiveSignal(uint8_t c);
  bool ReceiveEditing(uint8_t c);
  bool ReceiveLineEnd(uint8_t c);
  void ReceiveOrdinary(uint8_t c);
  void RaiseSignal(int signo, uint8_t c);
  // False: no room (the byte is lost, with a bell if IMAXBEL).
  bool Store(Cell cell);
  void Commit() { committed_ = head_; }

  void Erase(TermiosChar kind);
  void EraseLine();
  void EchoErased(uint8_t c, TermiosChar kind);
  void Reprint();
  // The column that the edited line reaches.
  unsigned LineColumn() const;

  void EchoRaw(const char* text);
  void EchoByte(uint8_t c);   // through output processing
  void EchoInput(uint8_t c);  // ^X form for control characters
  bool IsControl(uint8_t c) const { return c < 0x20 || c == 0x7f; }
  bool IsContinuation(uint8_t c) const {
    return Input(kIUtf8) && (c & 0xc0) == 0x80;
  }

  size_t ProcessOne(uint8_t c, uint8_t* to);

  Host* host_;
  Termios termios_;
  // Free-running positions: tail_ <= committed_ <= head_ <= tail_ + kCapacity.
  // [tail_, committed_) is finished lines, [committed_, head_) is being edited;
  // without ICANON all is readable and committed_ == head_.
  size_t tail_ = 0;
  size_t committed_ = 0;
  size_t head_ = 0;
  unsigned column_ = 0;        // of the terminal's cursor
  unsigned line_column_ = 0;   // where the edited line began
  bool literal_next_ = false;  // after LNEXT
  bool erasing_ = false;       // within the \.../ of ECHOPRT
  bool output_stopped_ = false;
  Cell ring_[kCapacity] = {};
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_TTY_LINE_DISCIPLINE_H_
