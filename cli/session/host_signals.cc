// SPDX-License-Identifier: Apache-2.0

#include "cli/session/host_signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

#include "vmm/base/check.h"

namespace crvm {
namespace {

sigset_t HandledSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
                           SIGWINCH, SIGTSTP, SIGCONT}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

void HostSignals::Block() {
  const sigset_t set = HandledSignals();
  CRVM_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  signal(SIGPIPE, SIG_IGN);
  // With a file size limit (ulimit -f) a save shall fail, not the VM end.
  signal(SIGXFSZ, SIG_IGN);
}

void HostSignals::Unblock() {
  const sigset_t set = HandledSignals();
  CRVM_CHECK(pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
}

HostSignals::HostSignals(std::function<void(int)> handler)
    : handler_(std::move(handler)) {
  const sigset_t set = HandledSignals();
  fd_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  CRVM_CHECK(fd_.valid());
}

void HostSignals::AddTo(PollSet& set) {
  set.Add(fd_.get(), POLLIN, [this](short) {
    signalfd_siginfo info;
    while (read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
      handler_(static_cast<int>(info.ssi_signo));
    }
  });
}

void HostSignals::Interrupt() {
  kill(0, SIGINT);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void HostSignals::StopSelf(bool whole_group) {
  // It is blocked in all threads, so it stays pending until it is unblocked
  // here; then its default action stops the process, unless nobody could wake
  // it again (an orphaned process group).
  kill(whole_group ? 0 : getpid(), SIGTSTP);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace crvm
