// SPDX-License-Identifier: Apache-2.0

#include "cli/session/terminal.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>

namespace crvm {
namespace {

// What a crash handler restores: set while a terminal is raw. Written and read
// with care for the order, because a signal may come at any point.
std::atomic<int> crash_fd{-1};
termios crash_termios;

constexpr int kCrashSignals[] = {SIGSEGV, SIGBUS,  SIGILL,
                                 SIGFPE,  SIGABRT, SIGTRAP};

// Sets terminal attributes also from the background: with SIGTTOU blocked the
// kernel lets us instead of stopping us.
void SetAttributes(int fd, const termios& attributes) {
  sigset_t block, before;
  sigemptyset(&block);
  sigaddset(&block, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &block, &before);
  while (tcsetattr(fd, TCSANOW, &attributes) < 0 && errno == EINTR) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Async-signal-safe.
void RestoreAndDie(int signal) {
  const int fd = crash_fd.exchange(-1);
  if (fd >= 0) tcsetattr(fd, TCSANOW, &crash_termios);
  // SA_RESETHAND: the default action now.
  raise(signal);
}

void InstallCrashHandlers() {
  static bool installed = false;
  if (installed) return;
  installed = true;
  struct sigaction action = {};
  action.sa_handler = RestoreAndDie;
  action.sa_flags = SA_RESETHAND | SA_NODEFER | SA_ONSTACK;
  for (const int signal : kCrashSignals) {
    struct sigaction old;
    // Somebody else's handler (a sanitizer's, the VMM's) stays.
    if (sigaction(signal, nullptr, &old) == 0 && old.sa_handler == SIG_DFL) {
      sigaction(signal, &action, nullptr);
    }
  }
}

}  // namespace

WindowSize HostWindowSize() {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO}) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 &&
        size.ws_row != 0) {
      return {size.ws_col, size.ws_row};
    }
  }
  return {};
}

Terminal::Terminal(int fd, bool keep_output_processing)
    : fd_(fd), keep_output_processing_(keep_output_processing) {}

bool Terminal::InForeground() const {
  const pid_t foreground = tcgetpgrp(fd_);
  // -1: not our controlling terminal; then nobody stops us either.
  return foreground < 0 || foreground == getpgrp();
}

void Terminal::MakeRaw() {
  if (raw_ || !InForeground()) return;
  if (tcgetattr(fd_, &saved_) < 0) return;
  InstallCrashHandlers();
  crash_termios = saved_;
  crash_fd = fd_;
  raw_ = true;
  termios raw = saved_;
  cfmakeraw(&raw);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  if (keep_output_processing_) raw.c_oflag = saved_.c_oflag;
  SetAttributes(fd_, raw);
}

void Terminal::Restore() {
  if (!raw_) return;
  SetAttributes(fd_, saved_);
  raw_ = false;
  crash_fd = -1;
}

}  // namespace crvm
