// SPDX-License-Identifier: Apache-2.0

#include "snapshot/store/vm_registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "snapshot/store/locations.h"
#include "snapshot/store/names.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/log.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr const char* kFiles[] = {"control", "lock"};

// The lock last: without it the directory is not one of ours any more.
void RemoveVmDirectory(const std::string& directory) {
  for (const char* file : kFiles) {
    unlink(absl::StrCat(directory, "/", file).c_str());
  }
  rmdir(directory.c_str());
}

absl::Status WritePid(int fd) {
  const std::string text = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd, 0) < 0 || pwrite(fd, text.data(), text.size(), 0) !=
                                  static_cast<ssize_t>(text.size())) {
    return ErrnoStatus(errno, "write the VM's lock file");
  }
  return absl::OkStatus();
}

pid_t ReadPid(const std::string& lock_path) {
  UniqueFd fd(open(lock_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  char text[16] = {};
  if (!fd.valid() || read(fd.get(), text, sizeof(text) - 1) <= 0) return 0;
  return static_cast<pid_t>(atol(text));
}

// A process that was killed keeps its locks until all of its memory is free:
// SIGKILL is pending, or the address space is gone already (no VmSize), or it
// is a zombie with threads that still end. proc(5).
bool IsDying(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  if (!status) return false;
  bool has_memory = false;
  for (std::string line; std::getline(status, line);) {
    if (absl::StartsWith(line, "VmSize:")) has_memory = true;
    if (absl::StartsWith(line, "State:\tZ")) return true;
    if (absl::StartsWith(line, "SigPnd:") ||
        absl::StartsWith(line, "ShdPnd:")) {
      const uint64_t pending = strtoull(line.c_str() + 7, nullptr, 16);
      if (pending & (uint64_t{1} << (SIGKILL - 1))) return true;
    }
  }
  return !has_memory;
}

}  // namespace

VmClaim::VmClaim(std::string run, std::string name, FileLock lock)
    : run_(std::move(run)),
      name_(std::move(name)),
      directory_(absl::StrCat(run_, "/", name_)),
      lock_(std::move(lock)) {}

VmClaim::~VmClaim() {
  // Under the registry's lock: nobody may look at a half-removed directory.
  const auto registry_lock = FileLock::Wait(run_ + "/.lock");
  if (!registry_lock.ok()) {
    CRVM_LOG(WARNING) << registry_lock.status().message();
  }
  RemoveVmDirectory(directory_);
}

absl::StatusOr<VmRegistry> VmRegistry::Open(const std::string& run) {
  CRVM_RETURN_IF_ERROR(MakePrivateDirectory(run));
  return VmRegistry(run);
}

absl::StatusOr<FileLock> VmRegistry::Lock() const {
  return FileLock::Wait(run_ + "/.lock");
}

absl::StatusOr<std::unique_ptr<VmClaim>> VmRegistry::ClaimLocked(
    const std::string& name) {
  CRVM_RETURN_IF_ERROR(CheckVmName(name));
  const std::string directory = absl::StrCat(run_, "/", name);
  const std::string lock_path = directory + "/lock";
  if (absl::IsUnavailable(FileLock::TryExisting(lock_path).status())) {
    return absl::AlreadyExistsError(
        absl::StrCat("name '", name, "' is in use by a running VM (pid ",
                     ReadPid(lock_path), "): choose another name"));
  }
  RemoveVmDirectory(directory);
  if (mkdir(directory.c_str(), 0700) < 0) {
    return ErrnoStatus(errno, absl::StrCat("make directory ", directory));
  }
  CRVM_ASSIGN_OR_RETURN(FileLock lock, FileLock::Wait(lock_path));
  CRVM_RETURN_IF_ERROR(WritePid(lock.fd()));
  return std::unique_ptr<VmClaim>(new VmClaim(run_, name, std::move(lock)));
}

absl::StatusOr<std::unique_ptr<VmClaim>> VmRegistry::Claim(
    const std::string& name) {
  // A look at the dying can come between two of its signs: look again.
  constexpr int kLooks = 3, kMostLooks = 1000;
  constexpr int kBetweenUs = 10'000;
  for (int look = 1;; ++look) {
    {
      CRVM_ASSIGN_OR_RETURN(const FileLock lock, Lock());
      auto claim = ClaimLocked(name);
      if (!absl::IsAlreadyExists(claim.status())) return claim;
      const pid_t holder = ReadPid(absl::StrCat(run_, "/", name, "/lock"));
      const int looks = IsDying(holder) ? kMostLooks : kLooks;
      if (look >= looks) return claim;
    }
    usleep(kBetweenUs);
  }
}

absl::StatusOr<std::unique_ptr<VmClaim>> VmRegistry::ClaimLike(
    const std::string& base) {
  CRVM_ASSIGN_OR_RETURN(const FileLock lock, Lock());
  auto claim = ClaimLocked(base);
  for (int i = 2; absl::IsAlreadyExists(claim.status()); ++i) {
    claim = ClaimLocked(absl::StrCat(base, "-", i));
  }
  return claim;
}

absl::StatusOr<std::vector<LiveVm>> VmRegistry::List() {
  CRVM_ASSIGN_OR_RETURN(const FileLock lock, Lock());
  std::vector<LiveVm> out;
  DIR* dir = opendir(run_.c_str());
  if (dir == nullptr) return ErrnoStatus(errno, absl::StrCat("list ", run_));
  while (const dirent* entry = readdir(dir)) {
    LiveVm vm;
    vm.name = entry->d_name;
    if (!CheckVmName(vm.name).ok()) continue;
    vm.directory = absl::StrCat(run_, "/", vm.name);
    const std::string lock_path = vm.directory + "/lock";
    if (absl::IsUnavailable(FileLock::TryExisting(lock_path).status())) {
      vm.pid = ReadPid(lock_path);
      out.push_back(std::move(vm));
    } else {
      RemoveVmDirectory(vm.directory);
    }
  }
  closedir(dir);
  std::sort(out.begin(), out.end(),
            [](const LiveVm& a, const LiveVm& b) { return a.name < b.name; });
  return out;
}

absl::StatusOr<LiveVm> VmRegistry::Find(const std::string& name) {
  CRVM_RETURN_IF_ERROR(CheckVmName(name));
  CRVM_ASSIGN_OR_RETURN(const std::vector<LiveVm> all, List());
  for (const LiveVm& vm : all) {
    if (vm.name == name) return vm;
  }
  return absl::NotFoundError(absl::StrCat(
      "no running VM '", name, "': `crvm ps` shows what is running"));
}

}  // namespace crvm
