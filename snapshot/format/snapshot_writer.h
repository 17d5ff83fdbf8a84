// SPDX-License-Identifier: Apache-2.0
//
// Writes one snapshot, atomically: into a temporary directory, synced, then
// renamed. A writer that is destroyed before Publish leaves nothing behind.
//
//   auto writer = SnapshotWriter::Create(".../.tmp-42-beef", options);
//   machine.Save(*writer);            // while the VM is paused
//   machine.Resume();
//   writer->Finish(metadata);         // the slow part: fsync
//   writer->Publish(".../7@mytag");   // from here on it exists
//
// One thread at a time; Memory uses worker threads of its own. Trusts its
// caller; on an error every later call fails too.

#ifndef CRVM_SNAPSHOT_FORMAT_SNAPSHOT_WRITER_H_
#define CRVM_SNAPSHOT_FORMAT_SNAPSHOT_WRITER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "snapshot/format/file_system.h"
#include "snapshot/format/header.h"
#include "snapshot/format/parallel.h"
#include "vmm/base/unique_fd.h"
#include "vmm/machine/component_sink.h"

namespace crvm {

class SnapshotWriter : public ComponentSink {
 public:
  struct Options {
    FileSystem* file_system = &FileSystem::Host();
    int threads = DefaultThreads();
    ProgressFunction progress = {};  // of Memory; called from worker threads
  };

  // `directory` must not be there yet, its parent must. Its `header` stays
  // locked for as long as the writer lives.
  static absl::StatusOr<std::unique_ptr<SnapshotWriter>> Create(
      std::string directory, Options options);

  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;
  ~SnapshotWriter() override;

  absl::Status Section(absl::string_view name, uint32_t version,
                       absl::string_view bytes) override;
  absl::Status StreamSection(absl::string_view name, uint32_t version,
                             const Producer& produce) override;
  absl::Status Memory(MemorySource& memory) override;

  // Writes the header and syncs everything. Fills in metadata.memory_used.
  absl::Status Finish(SnapshotMetadata metadata);

  // Renames the directory to its final name and syncs the parent. AlreadyExists
  // when that name is taken: try another.
  absl::Status Publish(const std::string& final_directory);

  // What Finish wrote.
  const SnapshotHeader& header() const { return header_; }

 private:
  SnapshotWriter(std::string directory, Options options)
      : directory_(std::move(directory)), options_(std::move(options)) {}

  absl::Status Initialize();
  absl::Status DoStreamSection(absl::string_view name, uint32_t version,
                               const Producer& produce);
  absl::Status DoMemory(MemorySource& memory);
  absl::Status DoFinish(SnapshotMetadata metadata);
  // Runs one step and remembers the first error.
  template <typename Step>
  absl::Status Guarded(Step step);
  std::string Path(absl::string_view file) const;

  std::string directory_;
  Options options_;
  UniqueFd header_fd_;
  UniqueFd state_fd_;
  UniqueFd memory_fd_;
  SnapshotHeader header_;
  uint64_t memory_used_ = 0;
  absl::Status error_;
  bool has_memory_ = false;
  bool finished_ = false;
  bool published_ = false;
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_SNAPSHOT_WRITER_H_
