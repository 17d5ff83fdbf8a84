// SPDX-License-Identifier: Apache-2.0
//
// crvm resume --on HOST: the sender of docs/transfer_protocol.md.

#ifndef CRVM_CLI_COMMANDS_RESUME_REMOTE_H_
#define CRVM_CLI_COMMANDS_RESUME_REMOTE_H_

#include <string>

#include "cli/session/guest_factory.h"
#include "snapshot/format/header.h"
#include "snapshot/store/snapshot_store.h"

namespace crvm {

struct RemoteResume {
  std::string host;
  std::string remote_crvm;  // empty: crvm in PATH there
  std::string name;         // of the VM there
  bool detach = false;
  GuestRestoreOptions restore;
};

// The exit code for this process; prints errors.
int ResumeRemote(const RemoteResume& options, const StoredSnapshot& snapshot,
                 const SnapshotHeader& header);

}  // namespace crvm

#endif  // CRVM_CLI_COMMANDS_RESUME_REMOTE_H_
