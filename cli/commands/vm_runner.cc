// SPDX-License-Identifier: Apache-2.0

#include "cli/commands/vm_runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/base/version.h"
#include "cli/commands/output.h"
#include "cli/control/control_socket.h"
#include "cli/session/host_signals.h"
#include "cli/session/local_console.h"
#include "cli/session/session.h"
#include "snapshot/format/cpu_requirements.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"
#include "vmm/base/unique_fd.h"

namespace crvm {
namespace {

// Runs the VM; sets *interrupted if ^C at a terminal has ended it.
absl::StatusOr<int> RunAttended(const Locations& locations, const VmPlan& plan,
                                bool* interrupted) {
  CRVM_ASSIGN_OR_RETURN(const auto claim, ClaimName(locations, plan));
  CRVM_ASSIGN_OR_RETURN(const auto guest, plan.make_guest());
  LocalConsole console(guest.get());
  CRVM_ASSIGN_OR_RETURN(const int exit_code,
                        RunSession(locations, plan, *claim, *guest, console));
  *interrupted =
      exit_code == kExitSignalBase + SIGINT && console.has_terminal();
  return exit_code;
}

int RunInForeground(const Locations& locations, const VmPlan& plan) {
  HostSignals::Block();
  bool interrupted = false;
  const auto exit_code = RunAttended(locations, plan, &interrupted);
  if (!exit_code.ok()) return Fail(exit_code.status());
  // Without crvm the terminal would have sent SIGINT to all of the job: the
  // script that runs the program, say, ends by that.
  if (interrupted) HostSignals::Interrupt();
  return *exit_code;
}

absl::StatusOr<UniqueFd> OpenLog(const Locations& locations,
                                 const std::string& path) {
  CRVM_RETURN_IF_ERROR(MakePrivateDirectory(locations.logs));
  UniqueFd log(
      open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log.valid()) return ErrnoStatus(errno, absl::StrCat("open ", path));
  return log;
}

// Makes /dev/null and the log the standard files.
absl::Status RedirectTo(const UniqueFd& log) {
  UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid() || dup2(null.get(), STDIN_FILENO) < 0 ||
      dup2(log.get(), STDOUT_FILENO) < 0 ||
      dup2(log.get(), STDERR_FILENO) < 0) {
    return ErrnoStatus(errno, "redirect the standard files");
  }
  return absl::OkStatus();
}

// How the background process reports: "+NAME", or "-EXITCODE MESSAGE".
void Report(UniqueFd report, const std::string& text) {
  (void)!write(report.get(), text.data(), text.size());
}

// The background process, up to the point where its guest is about to run.
// Its errors go to the one that started it.
struct DetachedVm {
  std::unique_ptr<VmClaim> claim;
  std::unique_ptr<Guest> guest;
};
absl::StatusOr<DetachedVm> MakeDetached(const Locations& locations,
                                        const VmPlan& plan) {
  DetachedVm vm;
  CRVM_ASSIGN_OR_RETURN(vm.claim, ClaimName(locations, plan));
  CRVM_ASSIGN_OR_RETURN(
      const UniqueFd log,
      OpenLog(locations,
              absl::StrCat(locations.logs, "/", vm.claim->name(), ".log")));
  CRVM_RETURN_IF_ERROR(RedirectTo(log));
  CRVM_ASSIGN_OR_RETURN(vm.guest, plan.make_guest());
  return vm;
}

int RunDetachedChild(const Locations& locations, const VmPlan& plan,
                     UniqueFd report) {
  setsid();
  HostSignals::Block();
  auto vm = MakeDetached(locations, plan);
  if (!vm.ok()) {
    Report(std::move(report), absl::StrCat("-", ExitCodeOf(vm.status()), " ",
                                           vm.status().message()));
    return kExitError;
  }
  Report(std::move(report), absl::StrCat("+", vm->claim->name()));
  LocalConsole console(vm->guest.get());
  const auto exit_code =
      RunSession(locations, plan, *vm->claim, *vm->guest, console);
  return exit_code.ok() ? *exit_code : Fail(exit_code.status());
}

// What the background process reports.
absl::StatusOr<std::string> ReadReport(const UniqueFd& report) {
  std::string text;
  char buffer[4096];
  ssize_t n;
  while ((n = read(report.get(), buffer, sizeof(buffer))) > 0 ||
         (n < 0 && errno == EINTR)) {
    if (n > 0) text.append(buffer, static_cast<size_t>(n));
  }
  if (absl::StartsWith(text, "+")) return text.substr(1);
  const size_t space = text.find(' ');
  int exit_code = kExitError;
  if (!absl::StartsWith(text, "-") || space == std::string::npos ||
      !absl::SimpleAtoi(text.substr(1, space - 1), &exit_code)) {
    return absl::InternalError("the background process ended without a word");
  }
  return WithExitCode(absl::UnknownError(text.substr(space + 1)), exit_code);
}

}  // namespace

absl::StatusOr<std::unique_ptr<VmClaim>> ClaimName(const Locations& locations,
                                                   const VmPlan& plan) {
  CRVM_ASSIGN_OR_RETURN(VmRegistry registry, VmRegistry::Open(locations.run));
  return plan.name_may_vary ? registry.ClaimLike(plan.name)
                            : registry.Claim(plan.name);
}

SnapshotMetadata HostMetadata(uint32_t abi_version) {
  SnapshotMetadata metadata;
  metadata.abi_version = abi_version;
  metadata.cpu = RequirementsOf(HostCpuid);
  metadata.crvm_version = kCrvmVersion;
  char host[256] = {};
  if (gethostname(host, sizeof(host) - 1) == 0) metadata.host = host;
  return metadata;
}

absl::StatusOr<int> RunSession(const Locations& locations, const VmPlan& plan,
                               const VmClaim& claim, Guest& guest,
                               ConsoleEnd& console) {
  CRVM_ASSIGN_OR_RETURN(UniqueFd listener, ListenControl(claim.directory()));
  Session::Options options;
  options.store = locations.store;
  options.metadata = plan.metadata;
  options.metadata.name = claim.name();
  options.metadata.memory_size = guest.memory_size();
  options.metadata.privilege = guest.privilege();
  options.detached = plan.detach;
  Session session(&guest, &console, std::move(listener), std::move(options));
  return session.Run();
}

absl::StatusOr<std::string> StartDetached(const Locations& locations,
                                          const VmPlan& plan) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return ErrnoStatus(errno, "make a pipe");
  const UniqueFd report(ends[0]);
  UniqueFd child_report(ends[1]);
  const pid_t child = fork();
  if (child < 0) return ErrnoStatus(errno, "fork");
  if (child == 0) {
    // Nothing of the parent's may be held open: an ssh connection, say.
    if (dup2(child_report.release(), 3) < 0) _exit(kExitError);
    close_range(4, ~0u, 0);
    _exit(RunDetachedChild(locations, plan, UniqueFd(3)));
  }
  child_report.reset();
  return ReadReport(report);
}

int RunVm(const Locations& locations, const VmPlan& plan) {
  if (!plan.detach) return RunInForeground(locations, plan);
  const auto name = StartDetached(locations, plan);
  if (!name.ok()) return Fail(name.status());
  return PrintOut(absl::StrCat(*name, "\n"));
}

}  // namespace crvm
