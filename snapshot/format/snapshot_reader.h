// SPDX-License-Identifier: Apache-2.0
//
// Reads one snapshot. Everything in it is untrusted: each part's length and
// checksum are verified before it is parsed, and what is parsed is checked.
// Errors: DataLoss for damage, FailedPrecondition for a newer format, NotFound
// for a missing file or section; each says what and why.
//
// One thread at a time; Memory and Verify use worker threads of their own.

#ifndef CRVM_SNAPSHOT_FORMAT_SNAPSHOT_READER_H_
#define CRVM_SNAPSHOT_FORMAT_SNAPSHOT_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "snapshot/format/header.h"
#include "snapshot/format/memory_index.h"
#include "snapshot/format/parallel.h"
#include "vmm/base/unique_fd.h"
#include "vmm/machine/component_sink.h"

namespace crvm {

// The header alone, of a snapshot directory.
absl::StatusOr<SnapshotHeader> ReadSnapshotHeader(const std::string& directory);

class SnapshotReader : public ComponentSource {
 public:
  struct Options {
    int threads = DefaultThreads();
    ProgressFunction progress =
        {};  // of Memory and Verify; from worker threads
  };

  // Verifies the header and the sizes of the files. What is open stays
  // readable even if the snapshot is removed.
  static absl::StatusOr<std::unique_ptr<SnapshotReader>> Open(
      const std::string& directory, Options options);

  // The same for three files that are already open.
  static absl::StatusOr<std::unique_ptr<SnapshotReader>> FromFiles(
      UniqueFd header, UniqueFd state, UniqueFd memory, Options options);

  const SnapshotHeader& header() const { return header_; }

  absl::StatusOr<std::string> Section(absl::string_view name,
                                      uint32_t* version) override;
  absl::Status StreamSection(absl::string_view name, uint32_t* version,
                             const Consumer& consume) override;
  absl::Status Memory(MemorySink& memory) override;

  // Reads and verifies all there is: every section, every chunk.
  absl::Status Verify();

 private:
  SnapshotReader(SnapshotHeader header, UniqueFd state, UniqueFd memory,
                 Options options)
      : header_(std::move(header)),
        state_(std::move(state)),
        memory_(std::move(memory)),
        options_(std::move(options)) {}

  absl::StatusOr<const SectionEntry*> Find(absl::string_view name) const;
  absl::StatusOr<std::vector<ChunkEntry>> ReadIndex();
  // Hands out the section piece by piece, unverified; returns the checksum.
  absl::StatusOr<uint64_t> ReadPieces(const SectionEntry& entry,
                                      const Consumer& consume) const;
  absl::Status VerifySection(const SectionEntry& entry) const;

  SnapshotHeader header_;
  UniqueFd state_;
  UniqueFd memory_;
  Options options_;
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_SNAPSHOT_READER_H_
