// SPDX-License-Identifier: Apache-2.0
//
// Where guests come from: real machines (MachineGuestFactory), or fakes in
// tests of the command line. Main thread.

#ifndef CRVM_CLI_SESSION_GUEST_FACTORY_H_
#define CRVM_CLI_SESSION_GUEST_FACTORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/session/guest.h"
#include "vmm/machine/component_sink.h"

namespace crvm {

// A new guest. What fd 0, 1 and 2 are (terminal, pipe, file) is what the
// program's standard files will be.
struct GuestConfig {
  std::string executable;
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string cwd;
  std::string hostname;
  uint64_t memory_bytes = 0;
  std::string privilege = "auto";  // or "supervisor", "deprivileged"
  uint16_t cols = 80;
  uint16_t rows = 24;
};

struct GuestRestoreOptions {
  std::string privilege = "auto";
  std::string clock = "now";   // or "as-saved"
  std::string files = "keep";  // or "restore", "fail"
};

// What `crvm check` finds out by making a VM.
struct HostReport {
  bool interprets_ring0 = false;
  double ring0_instruction_ns = 0;
};

class GuestFactory {
 public:
  virtual ~GuestFactory() = default;

  virtual absl::StatusOr<std::unique_ptr<Guest>> Create(
      const GuestConfig& config) = 0;
  // Adds a line to *warnings for each host file that has changed.
  virtual absl::StatusOr<std::unique_ptr<Guest>> Restore(
      ComponentSource& source, const GuestRestoreOptions& options,
      std::vector<std::string>* warnings) = 0;
  // Whether VMs can be made here at all; quick.
  virtual absl::Status CheckAccess() = 0;
  virtual absl::StatusOr<HostReport> ProbeHost() = 0;
  // Of guestkernel/abi.
  virtual uint32_t abi_version() const = 0;
  // The least memory that a guest can have, and what it gets by default.
  virtual uint64_t min_memory() const = 0;
  virtual uint64_t default_memory() const = 0;
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_GUEST_FACTORY_H_
