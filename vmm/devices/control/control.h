// SPDX-License-Identifier: Apache-2.0
//
// Control: the VMM's end of the control channel; messages and rules are in
// guestkernel/abi/control.h.
//
// Threads: Send*() is thread-safe; kick the vCPU after it. Everything else,
// also the handler's calls, is on the vCPU thread.
// Trust: the guest's messages are hostile: sizes are checked, text is made
// printable, unknown types are ignored.

#ifndef CRVM_VMM_DEVICES_CONTROL_CONTROL_H_
#define CRVM_VMM_DEVICES_CONTROL_CONTROL_H_

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "guestkernel/abi/control.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/devices/virtio/virtio_device.h"

namespace crvm {

// What the guest says. vCPU thread.
class ControlHandler {
 public:
  virtual ~ControlHandler() = default;
  virtual void OnHello(const abi::ControlHello& hello) = 0;
  // One line, printable characters only.
  virtual void OnLog(abi::ControlLogLevel level, absl::string_view text) = 0;
  virtual void OnExitStatus(const abi::ControlExitStatus& status) = 0;
  virtual void OnStopped(const abi::ControlStopped& stopped) = 0;
};

struct ControlState {
  std::vector<std::string> outbox;  // whole messages, oldest first
  std::vector<uint16_t> rx_heads;   // empty buffers that the driver gave
};
void Encode(const ControlState& state, StateWriter& writer);
absl::StatusOr<ControlState> DecodeControlState(StateReader& reader);

class Control : public VirtioDevice {
 public:
  // Messages that wait for a guest that does not take them.
  static constexpr size_t kMaxOutbox = 256;

  // `handler` must outlive this.
  explicit Control(ControlHandler* handler) : handler_(handler) {}

  // ---- Thread-safe. --------------------------------------------------------

  // ResourceExhausted when the guest does not take its messages.
  absl::Status SendSignal(int signal, abi::ControlSignalTarget target);
  // Overtakes what is waiting: the guest must hear of it before all else. Call
  // after the restore and before the guest runs.
  absl::Status SendResumed(const abi::ControlResumed& resumed);

  // ---- vCPU thread. --------------------------------------------------------

  ControlState Save() const;
  absl::Status Restore(const ControlState& state);

  // VirtioDevice:
  uint32_t device_id() const override { return abi::kVirtioIdControl; }
  uint64_t offered_features() const override { return 0; }
  absl::Span<const uint16_t> queue_max_sizes() const override;
  void ReadConfig(uint32_t offset, absl::Span<uint8_t> data) override;
  absl::Status OnNotify(int queue) override;
  absl::Status OnDriverOk() override;
  absl::Status OnHostEvent() override;
  void Reset() override { rx_chains_.clear(); }
  absl::StatusOr<std::string> SaveState() const override;
  absl::Status RestoreState(absl::string_view state) override;

 private:
  absl::Status Send(abi::ControlToGuest type, absl::Span<const uint8_t> payload,
                    bool overtake);
  absl::Status TakeRxBuffers();
  absl::Status Deliver();
  absl::Status TakeMessages();
  absl::Status Handle(const DescriptorChain& chain);
  absl::Status Dispatch(uint32_t type, absl::Span<const uint8_t> payload);

  ControlHandler* const handler_;
  std::deque<DescriptorChain> rx_chains_;  // vCPU thread only

  mutable std::mutex mutex_;
  std::deque<std::string> outbox_;  // guarded by mutex_
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_CONTROL_CONTROL_H_
