// SPDX-License-Identifier: Apache-2.0
//
// A snapshot that arrives from another host: written to a temporary directory,
// verified whole, synced, published. Destroyed before that, it leaves nothing.
//
// One thread. The sender is hostile: sizes come from the header, which has been
// checked, and nothing is written beyond them.

#ifndef CRVM_SNAPSHOT_TRANSFER_INCOMING_SNAPSHOT_H_
#define CRVM_SNAPSHOT_TRANSFER_INCOMING_SNAPSHOT_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "snapshot/format/checksum.h"
#include "snapshot/format/file_system.h"
#include "snapshot/format/header.h"
#include "snapshot/transfer/protocol.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

class IncomingSnapshot {
 public:
  // `header_file` is the snapshot's file `header` as it is; `directory` must
  // not be there yet.
  static absl::StatusOr<std::unique_ptr<IncomingSnapshot>> Create(
      std::string directory, std::string header_file, FileSystem* file_system);

  IncomingSnapshot(const IncomingSnapshot&) = delete;
  IncomingSnapshot& operator=(const IncomingSnapshot&) = delete;
  ~IncomingSnapshot();

  const SnapshotHeader& header() const { return header_; }

  // Data must come in order, without gaps.
  absl::Status OnData(const TransferData& data);
  // All data has come: verifies and syncs it.
  absl::Status Finish(const TransferDataEnd& end);
  // Gives it its final name; after Finish.
  absl::Status Publish(const std::string& final_directory);

 private:
  struct File {
    const char* name;
    uint64_t expected = 0;
    uint64_t received = 0;
    UniqueFd fd;
    StreamingChecksum checksum;
  };

  IncomingSnapshot(std::string directory, std::string header_file,
                   SnapshotHeader header, FileSystem* file_system);
  absl::Status Initialize();
  absl::Status VerifyContents() const;
  std::string Path(absl::string_view file) const;

  std::string directory_;
  const std::string header_file_;
  const SnapshotHeader header_;
  FileSystem* const file_system_;
  UniqueFd header_fd_;
  std::array<File, kTransferFiles> files_;
  bool finished_ = false;
  bool published_ = false;
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_TRANSFER_INCOMING_SNAPSHOT_H_
