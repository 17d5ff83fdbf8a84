// SPDX-License-Identifier: Apache-2.0
//
// XXH3-64, the checksum of everything that a snapshot stores or a transfer
// sends. It finds damage, not malice. Checksum64 is for any thread;
// a StreamingChecksum belongs to one.

#ifndef CRVM_SNAPSHOT_FORMAT_CHECKSUM_H_
#define CRVM_SNAPSHOT_FORMAT_CHECKSUM_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace crvm {

uint64_t Checksum64(const void* data, size_t size);

// The same for data that comes in pieces.
class StreamingChecksum {
 public:
  StreamingChecksum();
  ~StreamingChecksum();
  StreamingChecksum(StreamingChecksum&&) noexcept;
  StreamingChecksum& operator=(StreamingChecksum&&) noexcept;

  void Update(const void* data, size_t size);
  uint64_t Digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_CHECKSUM_H_
