// SPDX-License-Identifier: Apache-2.0
//
// EventSink: how a device tells the guest that something has happened. The
// machine implements it (thread-safe: it marks the device pending and injects
// the event vector when the guest can take it); tests count calls.

#ifndef CRVM_VMM_DEVICES_VIRTIO_EVENT_SINK_H_
#define CRVM_VMM_DEVICES_VIRTIO_EVENT_SINK_H_

namespace crvm {

class EventSink {
 public:
  virtual ~EventSink() = default;

  // `device_index` is the slot number (guestkernel/abi/devices.h). Any thread.
  virtual void RaiseDeviceEvent(int device_index) = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_VIRTIO_EVENT_SINK_H_
