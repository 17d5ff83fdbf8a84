// SPDX-License-Identifier: Apache-2.0
//
// The two halves of a virtio device: VirtioDevice is what one kind of device
// does; VirtioTransport is what it may ask of the transport that carries it.
//
// Threads: all of it on the vCPU thread, except where a device marks a method
// thread-safe (how the main thread hands it input). After such a call the main
// thread kicks the vCPU, which calls OnHostEvent().
// Trust: the guest is hostile. Config accesses, queue contents and the order of
// calls are its choice. A device answers a malformed request with a non-OK
// status, whereupon the transport sets DEVICE_NEEDS_RESET; the VMM goes on.

#ifndef CRVM_VMM_DEVICES_VIRTIO_VIRTIO_DEVICE_H_
#define CRVM_VMM_DEVICES_VIRTIO_VIRTIO_DEVICE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "vmm/devices/virtio/virtqueue.h"

namespace crvm {

class VirtioTransport {
 public:
  virtual ~VirtioTransport() = default;

  // Whether the driver has set DRIVER_OK and the device is not broken: queues
  // may be used only then.
  virtual bool IsRunning() const = 0;

  // Valid once IsRunning().
  virtual uint64_t negotiated_features() const = 0;

  // `index` < the device's queue count. May be not ready: Pop() is empty then.
  virtual Virtqueue& queue(int index) = 0;

  // Tells the driver of chains pushed to queue `index`, if it wants to know.
  // Call once after a batch of pushes.
  virtual void SignalUsed(int index) = 0;

  // Tells the driver that the config space has changed. Call after changing it.
  virtual void SignalConfigChange() = 0;
};

class VirtioDevice {
 public:
  virtual ~VirtioDevice() = default;

  // Called once, by the transport's constructor; `transport` outlives all other
  // calls.
  void set_transport(VirtioTransport* transport) { transport_ = transport; }

  virtual uint32_t device_id() const = 0;

  // Device-specific features; the transport adds VIRTIO_F_VERSION_1. Constant.
  virtual uint64_t offered_features() const = 0;

  // The largest size of each queue, a power of two; their count is the number
  // of queues. Constant.
  virtual absl::Span<const uint16_t> queue_max_sizes() const = 0;

  // The config space. `offset` and the span's length (1 to 8) come from the
  // guest and may lie outside: bytes that do not exist read as zero and ignore
  // writes.
  virtual void ReadConfig(uint32_t offset, absl::Span<uint8_t> data) = 0;
  virtual void WriteConfig(uint32_t /*offset*/,
                           absl::Span<const uint8_t> /*data*/) {}

  // The driver says that queue `queue` has new chains. Only while running.
  virtual absl::Status OnNotify(int queue) = 0;

  // The driver has set DRIVER_OK: buffers may already wait in the queues.
  virtual absl::Status OnDriverOk() { return absl::OkStatus(); }

  // The vCPU was kicked: look at what the main thread has handed over. May be
  // called at any time, also while not running.
  virtual absl::Status OnHostEvent() { return absl::OkStatus(); }

  // Forgets all that the driver has told and all chains (not what the host has
  // handed over). The queues have been reset already.
  virtual void Reset() = 0;

  // The device's own state. At a restore the queues and guest memory are back
  // already, so that chains in flight can be reloaded. `state` is hostile.
  virtual absl::StatusOr<std::string> SaveState() const = 0;
  virtual absl::Status RestoreState(absl::string_view state) = 0;

 protected:
  VirtioTransport& transport() const { return *transport_; }

  // For ReadConfig: the part of `config` at `offset`, zeros beyond its end.
  static void CopyConfig(absl::Span<const uint8_t> config, uint32_t offset,
                         absl::Span<uint8_t> data) {
    for (size_t i = 0; i < data.size(); ++i) {
      const uint64_t at = uint64_t{offset} + i;
      data[i] = at < config.size() ? config[at] : 0;
    }
  }

 private:
  VirtioTransport* transport_ = nullptr;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_VIRTIO_VIRTIO_DEVICE_H_
