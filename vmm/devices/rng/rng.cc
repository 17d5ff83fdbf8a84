// SPDX-License-Identifier: Apache-2.0
//
// See rng.h.

#include "vmm/devices/rng/rng.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_format.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr uint16_t kQueueSizes[] = {8};
constexpr uint32_t kStateVersion = 1;

absl::Status FillRandom(absl::Span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t n = getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, "getrandom");
    out.remove_prefix(n);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Span<const uint16_t> Rng::queue_max_sizes() const { return kQueueSizes; }

void Rng::ReadConfig(uint32_t offset, absl::Span<uint8_t> data) {
  CopyConfig({}, offset, data);
}

absl::Status Rng::OnNotify(int index) {
  Virtqueue& queue = transport().queue(index);
  for (;;) {
    CRVM_ASSIGN_OR_RETURN(std::optional<DescriptorChain> chain, queue.Pop());
    if (!chain) break;
    size_t filled = 0;
    for (absl::Span<uint8_t> buffer : chain->writable()) {
      buffer =
          buffer.first(std::min(buffer.size(), kMaxBytesPerRequest - filled));
      CRVM_RETURN_IF_ERROR(FillRandom(buffer));
      filled += buffer.size();
    }
    CRVM_RETURN_IF_ERROR(queue.Push(*chain, filled));
  }
  transport().SignalUsed(index);
  return absl::OkStatus();
}

absl::StatusOr<std::string> Rng::SaveState() const {
  StateWriter writer;
  writer.U32(kStateVersion);
  return writer.Take();
}

absl::Status Rng::RestoreState(absl::string_view state) {
  StateReader reader(state);
  CRVM_ASSIGN_OR_RETURN(const uint32_t version, reader.U32());
  if (version != kStateVersion) {
    return absl::InvalidArgumentError(
        absl::StrFormat("rng state has version %d; this crvm reads version %d",
                        version, kStateVersion));
  }
  return reader.ExpectEnd();
}

}  // namespace crvm
