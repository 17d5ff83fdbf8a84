// SPDX-License-Identifier: Apache-2.0
//
// The fs server in a snapshot: section "fs" with its tables, and "fs-data-N"
// with the contents that travel, in pieces of bounded size. While the guest
// does not run. What is read is hostile.
#ifndef CRVM_VMM_MACHINE_FS_SECTIONS_H_
#define CRVM_VMM_MACHINE_FS_SECTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "vmm/devices/fs/fs_snapshot.h"
#include "vmm/devices/fs/fuse_server.h"
#include "vmm/machine/component_sink.h"

namespace crvm {

absl::Status SaveFs(FuseServer* server, ComponentSink& sink);
// `warnings` gets a line for each thing that the user should know.
absl::Status RestoreFs(FuseServer* server, ComponentSource& source,
                       ChangedFiles policy, std::vector<std::string>* warnings);

}  // namespace crvm
#endif  // CRVM_VMM_MACHINE_FS_SECTIONS_H_
