// SPDX-License-Identifier: Apache-2.0
//
// See fs_device.h.

#include "vmm/devices/fs/fs_device.h"

#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "guestkernel/abi/fuse_ext.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// Room for a request of a megabyte in single pages.
constexpr uint16_t kQueueSizes[] = {64, 512};
constexpr uint32_t kStateVersion = 1;

}  // namespace

uint32_t FsDevice::device_id() const { return abi::kVirtioIdFs; }

absl::Span<const uint16_t> FsDevice::queue_max_sizes() const {
  return kQueueSizes;
}

void FsDevice::ReadConfig(uint32_t offset, absl::Span<uint8_t> data) {
  abi::VirtioFsConfig config = {};
  static_assert(sizeof(abi::kFsTag) <= sizeof(config.tag));
  std::memcpy(config.tag, abi::kFsTag, sizeof(abi::kFsTag));
  config.num_request_queues = 1;
  CopyConfig(absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&config),
                                 sizeof(config)),
             offset, data);
}

absl::Status FsDevice::OnNotify(int index) {
  Virtqueue& queue = transport().queue(index);
  for (;;) {
    CRVM_ASSIGN_OR_RETURN(std::optional<DescriptorChain> chain, queue.Pop());
    if (!chain) break;
    size_t written = server_->Handle(chain->readable(), chain->writable());
    CRVM_RETURN_IF_ERROR(queue.Push(*chain, static_cast<uint32_t>(written)));
  }
  transport().SignalUsed(index);
  return absl::OkStatus();
}

absl::StatusOr<std::string> FsDevice::SaveState() const {
  StateWriter writer;
  writer.U32(kStateVersion);
  return writer.Take();
}

absl::Status FsDevice::RestoreState(absl::string_view state) {
  StateReader reader(state);
  CRVM_ASSIGN_OR_RETURN(uint32_t version, reader.U32());
  if (version != kStateVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("virtio-fs state has version ", version,
                     "; this crvm reads version ", kStateVersion));
  }
  return reader.ExpectEnd();
}

}  // namespace crvm
