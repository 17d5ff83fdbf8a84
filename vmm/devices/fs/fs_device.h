// SPDX-License-Identifier: Apache-2.0
//
// FsDevice: virtio-fs (virtio 1.2, section 5.11, id 26) in front of a
// FuseServer. vCPU thread. Requests are served within the notify: when the
// guest's store to the notify register returns, the replies are there. So there
// is no state but the server's, which is saved on its own (fs_snapshot.h).

#ifndef CRVM_VMM_DEVICES_FS_FS_DEVICE_H_
#define CRVM_VMM_DEVICES_FS_FS_DEVICE_H_

#include <string>

#include "vmm/devices/fs/fuse_server.h"
#include "vmm/devices/virtio/virtio_device.h"

namespace crvm {

class FsDevice : public VirtioDevice {
 public:
  // `server` must outlive the device.
  explicit FsDevice(FuseServer* server) : server_(server) {}

  uint32_t device_id() const override;
  uint64_t offered_features() const override { return 0; }
  absl::Span<const uint16_t> queue_max_sizes() const override;
  void ReadConfig(uint32_t offset, absl::Span<uint8_t> data) override;
  absl::Status OnNotify(int queue) override;
  // The guest may have queued requests without a notify; they wait for the
  // next one.
  void Reset() override {}
  absl::StatusOr<std::string> SaveState() const override;
  absl::Status RestoreState(absl::string_view state) override;

 private:
  FuseServer* server_;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_FS_DEVICE_H_
