// SPDX-License-Identifier: Apache-2.0
//
// Sends a snapshot's files over a channel. One thread. The snapshot is only
// read, and what is sent has not been verified: the receiver does that.

#ifndef CRVM_SNAPSHOT_TRANSFER_OUTGOING_SNAPSHOT_H_
#define CRVM_SNAPSHOT_TRANSFER_OUTGOING_SNAPSHOT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "snapshot/format/header.h"
#include "snapshot/format/parallel.h"
#include "snapshot/wire/frame_channel.h"

namespace crvm {

// The bytes of the snapshot's file `header`.
absl::StatusOr<std::string> ReadHeaderFile(const std::string& directory);

// Sends kData for all files, then kDataEnd. Fails with Aborted, carrying the
// peer's message, when the peer says kFailed meanwhile.
absl::Status SendSnapshotFiles(const std::string& directory,
                               const SnapshotHeader& header,
                               FrameChannel& channel,
                               const ProgressFunction& progress);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_TRANSFER_OUTGOING_SNAPSHOT_H_
