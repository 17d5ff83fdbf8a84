// SPDX-License-Identifier: Apache-2.0
//
// Makes guests that are real machines. Main thread.

#ifndef CRVM_CLI_SESSION_MACHINE_GUEST_FACTORY_H_
#define CRVM_CLI_SESSION_MACHINE_GUEST_FACTORY_H_

#include <memory>
#include <string>
#include <vector>

#include "cli/session/guest_factory.h"

namespace crvm {

class MachineGuestFactory : public GuestFactory {
 public:
  absl::StatusOr<std::unique_ptr<Guest>> Create(
      const GuestConfig& config) override;
  absl::StatusOr<std::unique_ptr<Guest>> Restore(
      ComponentSource& source, const GuestRestoreOptions& options,
      std::vector<std::string>* warnings) override;
  absl::Status CheckAccess() override;
  absl::StatusOr<HostReport> ProbeHost() override;
  uint32_t abi_version() const override;
  uint64_t min_memory() const override;
  uint64_t default_memory() const override;
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_MACHINE_GUEST_FACTORY_H_
