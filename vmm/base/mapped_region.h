// SPDX-License-Identifier: Apache-2.0
//
// MappedRegion owns one mmap()ed range and unmaps it. Move-only.
// Not thread-safe itself; what is mapped may be shared.

#ifndef CRVM_VMM_BASE_MAPPED_REGION_H_
#define CRVM_VMM_BASE_MAPPED_REGION_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"

namespace crvm {

class MappedRegion {
 public:
  // mmap(nullptr, len, prot, flags, fd, off). len must not be 0.
  static absl::StatusOr<MappedRegion> Map(size_t len, int prot, int flags,
                                          int fd, off_t off);

  // An empty region: data() is null, size() is 0.
  MappedRegion() = default;
  MappedRegion(MappedRegion&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  MappedRegion& operator=(MappedRegion&& other) noexcept;
  MappedRegion(const MappedRegion&) = delete;
  MappedRegion& operator=(const MappedRegion&) = delete;
  ~MappedRegion() { Unmap(); }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  MappedRegion(uint8_t* data, size_t size) : data_(data), size_(size) {}
  void Unmap();

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_BASE_MAPPED_REGION_H_
