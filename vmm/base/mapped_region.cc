// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/mapped_region.h"

#include <sys/mman.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "vmm/base/check.h"
#include "vmm/base/errno_status.h"

namespace crvm {

absl::StatusOr<MappedRegion> MappedRegion::Map(size_t len, int prot, int flags,
                                               int fd, off_t off) {
  CRVM_CHECK(len != 0);
  void* p = mmap(nullptr, len, prot, flags, fd, off);
  if (p == MAP_FAILED) {
    return ErrnoStatus(errno, absl::StrCat("mmap of ", len, " bytes"));
  }
  return MappedRegion(static_cast<uint8_t*>(p), len);
}

MappedRegion& MappedRegion::operator=(MappedRegion&& other) noexcept {
  if (this != &other) {
    Unmap();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void MappedRegion::Unmap() {
  if (data_ == nullptr) return;
  CRVM_CHECK(munmap(data_, size_) == 0);
  data_ = nullptr;
  size_ = 0;
}

}  // namespace crvm
