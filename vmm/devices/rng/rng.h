// SPDX-License-Identifier: Apache-2.0
//
// Rng: the virtio entropy device (virtio 1.2, section 5.4, id 4), fed from the
// host kernel's getrandom(2). vCPU thread. Has no state of its own: requests
// are answered within the notify.

#ifndef CRVM_VMM_DEVICES_RNG_RNG_H_
#define CRVM_VMM_DEVICES_RNG_RNG_H_

#include <string>

#include "guestkernel/abi/virtio.h"
#include "vmm/devices/virtio/virtio_device.h"

namespace crvm {

class Rng : public VirtioDevice {
 public:
  // The most that one request gets; the used length says how much it was.
  static constexpr size_t kMaxBytesPerRequest = 64 << 10;

  uint32_t device_id() const override { return abi::kVirtioIdEntropy; }
  uint64_t offered_features() const override { return 0; }
  absl::Span<const uint16_t> queue_max_sizes() const override;
  void ReadConfig(uint32_t offset, absl::Span<uint8_t> data) override;
  absl::Status OnNotify(int queue) override;
  void Reset() override {}
  absl::StatusOr<std::string> SaveState() const override;
  absl::Status RestoreState(absl::string_view state) override;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_RNG_RNG_H_
