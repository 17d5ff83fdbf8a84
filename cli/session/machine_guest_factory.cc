// SPDX-License-Identifier: Apache-2.0

#include "cli/session/machine_guest_factory.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cli/session/machine_guest.h"
#include "guestkernel/abi/layout.h"
#include "vmm/base/status_macros.h"
#include "vmm/kvm/kvm.h"
#include "vmm/machine/machine.h"

namespace crvm {
namespace {

PrivilegeChoice ChoiceOf(const std::string& privilege) {
  if (privilege == "supervisor") return PrivilegeChoice::kSupervisor;
  if (privilege == "deprivileged") return PrivilegeChoice::kDeprivileged;
  return PrivilegeChoice::kAuto;
}

uint64_t RoundDownToHugePages(uint64_t bytes) {
  return bytes / abi::kHugePageSize * abi::kHugePageSize;
}

uint64_t HostMemory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  return pages < 0 ? 0 : static_cast<uint64_t>(pages) * abi::kPageSize;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Guest>> MachineGuestFactory::Create(
    const GuestConfig& config) {
  MachineConfig machine_config;
  machine_config.memory_bytes = RoundDownToHugePages(config.memory_bytes);
  machine_config.privilege = ChoiceOf(config.privilege);
  machine_config.executable = config.executable;
  machine_config.cwd = config.cwd;
  machine_config.hostname = config.hostname;
  machine_config.argv = config.argv;
  machine_config.env = config.env;
  for (int fd = 0; fd < 3; ++fd) {
    machine_config.stdio[fd] = StdioConfigOf(fd);
  }
  machine_config.columns = config.cols;
  machine_config.rows = config.rows;
  CRVM_ASSIGN_OR_RETURN(std::unique_ptr<Machine> machine,
                        Machine::Create(machine_config));
  return std::make_unique<MachineGuest>(std::move(machine));
}

absl::StatusOr<std::unique_ptr<Guest>> MachineGuestFactory::Restore(
    ComponentSource& source, const GuestRestoreOptions& options,
    std::vector<std::string>* warnings) {
  RestoreOptions restore;
  restore.privilege = ChoiceOf(options.privilege);
  if (options.clock == "as-saved") restore.clock = ClockPolicy::kAsSaved;
  if (options.files == "restore") restore.files = FilesPolicy::kRestore;
  if (options.files == "fail") restore.files = FilesPolicy::kFail;
  CRVM_ASSIGN_OR_RETURN(std::unique_ptr<Machine> machine,
                        Machine::Restore(source, restore, warnings));
  return std::make_unique<MachineGuest>(std::move(machine));
}

absl::Status MachineGuestFactory::CheckAccess() { return Kvm::Open().status(); }

absl::StatusOr<HostReport> MachineGuestFactory::ProbeHost() {
  // A machine that is never run.
  MachineConfig config;
  config.memory_bytes = abi::kMinMemory;
  config.executable = "/nonexistent";
  config.argv = {"check"};
  config.cwd = "/";
  CRVM_ASSIGN_OR_RETURN(const std::unique_ptr<Machine> machine,
                        Machine::Create(config));
  return HostReport{
      .interprets_ring0 = machine->host_kind().interprets_ring0,
      .ring0_instruction_ns = machine->host_kind().ring0_instruction_ns};
}

uint32_t MachineGuestFactory::abi_version() const { return abi::kAbiVersion; }

uint64_t MachineGuestFactory::min_memory() const { return abi::kMinMemory; }

uint64_t MachineGuestFactory::default_memory() const {
  // It is backed only as far as it is used, but KVM's own tables for it are
  // not: above some GiB they make each start slower (16 GiB: by 80 ms).
  constexpr uint64_t kDefault = uint64_t{4} << 30;
  return RoundDownToHugePages(std::clamp(std::min(HostMemory(), kDefault),
                                         abi::kMinMemory, abi::kMaxMemory));
}

}  // namespace crvm
