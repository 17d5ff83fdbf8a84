// SPDX-License-Identifier: Apache-2.0

#include "cli/commands/ssh_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/base/errors.h"
#include "cli/session/host_signals.h"
#include "vmm/base/errno_status.h"

namespace crvm {
namespace {

constexpr char kSafe[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    "_-./:=,+@%~";

std::vector<std::string> SshArgv(const std::string& host,
                                 const std::string& command) {
  const char* configured = getenv("CRVM_SSH");
  std::vector<std::string> argv;
  if (configured != nullptr && *configured != '\0') {
    argv = absl::StrSplit(configured, ' ', absl::SkipEmpty());
  } else {
    // No terminal there: the stream is binary.
    argv = {"ssh", "-T"};
  }
  argv.push_back(host);
  argv.push_back(command);
  return argv;
}

[[noreturn]] void ExecSsh(const std::vector<std::string>& argv, int in, int out,
                          pid_t parent) {
  HostSignals::Unblock();
  // ^C is for the program there and reaches it through the stream; ssh must
  // live on. But not longer than we do.
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent || dup2(in, STDIN_FILENO) < 0 ||
      dup2(out, STDOUT_FILENO) < 0) {
    _exit(255);
  }
  std::vector<char*> pointers;
  for (const std::string& arg : argv) {
    pointers.push_back(const_cast<char*>(arg.c_str()));
  }
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  PrintError(absl::StrCat("cannot start ", argv[0], ": ", strerror(errno)));
  _exit(255);
}

}  // namespace

std::string ShellWord(absl::string_view word) {
  if (!word.empty() &&
      word.find_first_not_of(kSafe) == absl::string_view::npos) {
    return std::string(word);
  }
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

absl::StatusOr<std::unique_ptr<SshConnection>> SshConnection::Start(
    const std::string& host, const std::string& command) {
  if (host.empty() || host[0] == '-') {
    return absl::InvalidArgumentError(
        absl::StrCat("'", host, "' is not a host name"));
  }
  const std::vector<std::string> argv = SshArgv(host, command);
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) < 0) return ErrnoStatus(errno, "make a pipe");
  UniqueFd to_read(to[0]), to_write(to[1]);
  if (pipe2(from, O_CLOEXEC) < 0) return ErrnoStatus(errno, "make a pipe");
  UniqueFd from_read(from[0]), from_write(from[1]);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork");
  if (pid == 0) ExecSsh(argv, to_read.get(), from_write.get(), parent);
  auto channel =
      std::make_unique<FrameChannel>(std::move(from_read), std::move(to_write));
  return std::unique_ptr<SshConnection>(
      new SshConnection(pid, std::move(channel)));
}

SshConnection::~SshConnection() { Wait(); }

int SshConnection::Wait() {
  channel_.reset();
  if (pid_ < 0) return 0;
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

}  // namespace crvm
