// SPDX-License-Identifier: Apache-2.0
//
// See descriptor_chain.h.

#include "vmm/devices/virtio/descriptor_chain.h"

#include <algorithm>
#include <cstring>

namespace crvm {

size_t DescriptorChain::CopyFromReadable(size_t offset,
                                         absl::Span<uint8_t> out) const {
  size_t done = 0;
  for (absl::Span<const uint8_t> buffer : readable_) {
    if (done == out.size()) break;
    if (offset >= buffer.size()) {
      offset -= buffer.size();
      continue;
    }
    const size_t n = std::min(buffer.size() - offset, out.size() - done);
    std::memcpy(out.data() + done, buffer.data() + offset, n);
    done += n;
    offset = 0;
  }
  return done;
}

size_t DescriptorChain::CopyToWritable(size_t offset,
                                       absl::Span<const uint8_t> in) const {
  size_t done = 0;
  for (absl::Span<uint8_t> buffer : writable_) {
    if (done == in.size()) break;
    if (offset >= buffer.size()) {
      offset -= buffer.size();
      continue;
    }
    const size_t n = std::min(buffer.size() - offset, in.size() - done);
    std::memcpy(buffer.data() + offset, in.data() + done, n);
    done += n;
    offset = 0;
  }
  return done;
}

}  // namespace crvm
