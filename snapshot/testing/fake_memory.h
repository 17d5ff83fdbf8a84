// SPDX-License-Identifier: Apache-2.0
//
// Guest memory for tests: a vector with a list of the ranges in use.

#ifndef CRVM_SNAPSHOT_TESTING_FAKE_MEMORY_H_
#define CRVM_SNAPSHOT_TESTING_FAKE_MEMORY_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "vmm/machine/component_sink.h"

namespace crvm {

class FakeMemory : public MemorySource, public MemorySink {
 public:
  explicit FakeMemory(uint64_t size) : bytes_(size) {}

  uint8_t* at(uint64_t gpa) { return bytes_.data() + gpa; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  uint64_t size() const { return bytes_.size(); }

  void Use(uint64_t gpa, uint64_t length) { in_use_.push_back({gpa, length}); }
  // A pseudo-random byte at every `stride` bytes of [gpa, gpa + length).
  void Fill(uint64_t gpa, uint64_t length, uint64_t stride, uint64_t seed) {
    for (uint64_t i = 0; i < length; i += stride) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      bytes_[gpa + i] = static_cast<uint8_t>(seed >> 56) | 1;
    }
  }

  absl::Status ForEachInUse(const RangeCallback& callback) override {
    for (const auto& [gpa, length] : in_use_) {
      absl::Status status =
          callback(gpa, absl::MakeConstSpan(bytes_.data() + gpa, length));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<absl::Span<uint8_t>> Slice(uint64_t gpa,
                                            uint64_t length) override {
    if (gpa > bytes_.size() || length > bytes_.size() - gpa) {
      return absl::OutOfRangeError("not guest memory");
    }
    return absl::MakeSpan(bytes_.data() + gpa, length);
  }

 private:
  std::vector<uint8_t> bytes_;
  std::vector<std::pair<uint64_t, uint64_t>> in_use_;
};

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_TESTING_FAKE_MEMORY_H_
