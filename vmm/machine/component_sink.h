// SPDX-License-Identifier: Apache-2.0
//
// The seam between the machine and the snapshot format: the machine names its
// pieces of state and its memory, the snapshot library stores and returns them.
// The machine knows nothing of files; the snapshot library knows nothing of
// devices (dependencies go cli -> snapshot -> vmm, so the interfaces are here
// and the implementations are in //snapshot).
//
// Threads: a save and a restore are driven by one thread. MemorySource's spans
// and MemorySink::Slice are used by several worker threads at once; see there.
// Trust: everything that comes out of a ComponentSource or goes into
// MemorySink::Slice was read from a file that may be hostile: checksums have
// been verified, contents have not.

#ifndef CRVM_VMM_MACHINE_COMPONENT_SINK_H_
#define CRVM_VMM_MACHINE_COMPONENT_SINK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace crvm {

// Guest memory to be saved.
class MemorySource {
 public:
  virtual ~MemorySource() = default;

  // One range of guest-physical memory that is in use. Ranges are page-aligned
  // (4 KiB), come in ascending order and do not overlap. Pages that no range
  // covers are free: they are not stored and read as zero after a resume. Zero
  // pages within a range are found by the writer, not the caller.
  using RangeCallback = std::function<absl::Status(
      uint64_t gpa, absl::Span<const uint8_t> bytes)>;

  // Calls `callback` for each range. The spans must stay valid and unchanged
  // until the ComponentSink::Memory call that this source was given to has
  // returned: worker threads read them later.
  virtual absl::Status ForEachInUse(const RangeCallback& callback) = 0;
};

// Guest memory to be filled. It must read as zero beforehand: absent and zero
// pages are not touched.
class MemorySink {
 public:
  virtual ~MemorySink() = default;

  // The host bytes behind [gpa, gpa + length), or an error when that is not all
  // guest memory. Thread-safe. `gpa` and `length` are untrusted; overflow must
  // be handled.
  virtual absl::StatusOr<absl::Span<uint8_t>> Slice(uint64_t gpa,
                                                    uint64_t length) = 0;
};

// Where a paused machine saves itself to.
class ComponentSink {
 public:
  virtual ~ComponentSink() = default;

  // Stores one component's state. `name` is lower-case letters, digits, '.',
  // '-' and '_', at most 31 bytes, unique within the snapshot; `version` is the
  // component's own format version.
  virtual absl::Status Section(absl::string_view name, uint32_t version,
                               absl::string_view bytes) = 0;

  // The same for state too large to be in memory at once, such as the contents
  // of a file: `produce` hands it over piece by piece.
  using AppendFunction = std::function<absl::Status(absl::Span<const uint8_t>)>;
  using Producer = std::function<absl::Status(const AppendFunction& append)>;
  virtual absl::Status StreamSection(absl::string_view name, uint32_t version,
                                     const Producer& produce) = 0;

  // Stores guest memory. Called once.
  virtual absl::Status Memory(MemorySource& memory) = 0;
};

// What a machine restores itself from.
class ComponentSource {
 public:
  virtual ~ComponentSource() = default;

  // Returns the bytes that were stored under `name` and sets *version; NotFound
  // when there are none.
  virtual absl::StatusOr<std::string> Section(absl::string_view name,
                                              uint32_t* version) = 0;

  // The same piece by piece: `consume` is called with consecutive pieces.
  using Consumer = std::function<absl::Status(absl::Span<const uint8_t>)>;
  virtual absl::Status StreamSection(absl::string_view name, uint32_t* version,
                                     const Consumer& consume) = 0;

  // Fills guest memory. Called once.
  virtual absl::Status Memory(MemorySink& memory) = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_MACHINE_COMPONENT_SINK_H_
