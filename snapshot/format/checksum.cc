// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/checksum.h"

#include <xxhash.h>

#include "vmm/base/check.h"

namespace crvm {

uint64_t Checksum64(const void* data, size_t size) {
  return XXH3_64bits(data, size);
}

struct StreamingChecksum::State {
  XXH3_state_t* xxh;
};

StreamingChecksum::StreamingChecksum() : state_(std::make_unique<State>()) {
  // XXH3_state_t needs 64-byte alignment, which the library's own
  // constructor gives.
  state_->xxh = XXH3_createState();
  CRVM_CHECK(state_->xxh != nullptr);
  XXH3_64bits_reset(state_->xxh);
}

StreamingChecksum::~StreamingChecksum() {
  if (state_ != nullptr) XXH3_freeState(state_->xxh);
}

StreamingChecksum::StreamingChecksum(StreamingChecksum&&) noexcept = default;

StreamingChecksum& StreamingChecksum::operator=(
    StreamingChecksum&& other) noexcept {
  state_.swap(other.state_);
  return *this;
}

void StreamingChecksum::Update(const void* data, size_t size) {
  XXH3_64bits_update(state_->xxh, data, size);
}

uint64_t StreamingChecksum::Digest() const {
  return XXH3_64bits_digest(state_->xxh);
}

}  // namespace crvm
