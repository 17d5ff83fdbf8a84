// SPDX-License-Identifier: Apache-2.0
//
// The user's terminal while a guest has it: raw, so that every key goes to the
// guest's own line discipline, and restored whatever happens - normal end,
// error, stop, or a crash of crvm. Main thread; one object in a process.

#ifndef CRVM_CLI_SESSION_TERMINAL_H_
#define CRVM_CLI_SESSION_TERMINAL_H_

#include <termios.h>

#include <cstdint>
#include <utility>

namespace crvm {

struct WindowSize {
  uint16_t cols = 80;
  uint16_t rows = 24;
};

// The size of the terminal that one of fds 0, 1, 2 is; 80x24 if none is.
WindowSize HostWindowSize();

class Terminal {
 public:
  // `fd` is the terminal that input comes from. `keep_output_processing`: other
  // programs write to it meanwhile (crvm is part of a pipeline), so newlines
  // must go on to work for them.
  Terminal(int fd, bool keep_output_processing);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() { Restore(); }

  // True when this process may read from and change the terminal now: it is in
  // the foreground, or the terminal does no job control for it.
  bool InForeground() const;
  // Raw mode, if in the foreground.
  void MakeRaw();
  void Restore();
  bool is_raw() const { return raw_; }

 private:
  const int fd_;
  const bool keep_output_processing_;
  bool raw_ = false;
  termios saved_ = {};
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_TERMINAL_H_
