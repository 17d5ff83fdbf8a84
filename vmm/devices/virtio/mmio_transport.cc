// SPDX-License-Identifier: Apache-2.0
//
// See mmio_transport.h.

#include "vmm/devices/virtio/mmio_transport.h"

#include <cstring>

#include "absl/strings/str_format.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/base/check.h"
#include "vmm/base/log.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// A guest may break its device as often as it likes; the user need not read
// each time why.
constexpr int kMaxComplaints = 3;

constexpr uint32_t Half(uint64_t value, uint32_t select) {
  if (select == 0) return static_cast<uint32_t>(value);
  if (select == 1) return static_cast<uint32_t>(value >> 32);
  return 0;
}

void SetLow(uint64_t& field, uint32_t value) {
  field = (field & 0xffffffff00000000) | value;
}

void SetHigh(uint64_t& field, uint32_t value) {
  field = (field & 0xffffffff) | (uint64_t{value} << 32);
}

}  // namespace

MmioTransport::MmioTransport(int slot, VirtioDevice* device,
                             GuestMemory* memory, EventSink* events)
    : slot_(slot), device_(device), events_(events) {
  for (uint16_t max_size : device->queue_max_sizes()) {
    CRVM_CHECK(max_size > 0 && max_size <= abi::kVirtqMaxSize &&
               (max_size & (max_size - 1)) == 0);
    queues_.emplace_back(memory, max_size);
  }
  setups_.resize(queues_.size());
  device->set_transport(this);
}

uint64_t MmioTransport::offered_features() const {
  return device_->offered_features() | abi::kVirtioFVersion1;
}

bool MmioTransport::IsRunning() const {
  constexpr uint32_t kBroken =
      abi::kVirtioStatusNeedsReset | abi::kVirtioStatusFailed;
  return (status_ & abi::kVirtioStatusDriverOk) != 0 &&
         (status_ & kBroken) == 0;
}

Virtqueue& MmioTransport::queue(int index) {
  CRVM_CHECK(index >= 0 && static_cast<size_t>(index) < queues_.size());
  return queues_[index];
}

void MmioTransport::SignalUsed(int index) {
  if (queue(index).NeedsInterrupt()) {
    RaiseInterrupt(abi::kVirtioInterruptUsedBuffer);
  }
}

void MmioTransport::SignalConfigChange() {
  ++config_generation_;
  if (IsRunning()) RaiseInterrupt(abi::kVirtioInterruptConfigChange);
}

void MmioTransport::RaiseInterrupt(uint32_t bits) {
  interrupt_status_ |= bits;
  events_->RaiseDeviceEvent(slot_);
}

void MmioTransport::ProcessHostEvent() { Settle(device_->OnHostEvent()); }

void MmioTransport::Settle(const absl::Status& status) {
  if (status.ok()) return;
  if (complaints_ < kMaxComplaints) {
    ++complaints_;
    CRVM_LOG(WARNING) << absl::StrFormat(
        "virtio device in slot %d (id %d) needs a reset: %s", slot_,
        device_->device_id(), status.message());
  }
  const bool tell_driver = (status_ & abi::kVirtioStatusDriverOk) != 0;
  status_ |= abi::kVirtioStatusNeedsReset;
  // Section 2.1.2: after DRIVER_OK, a configuration change notification.
  if (tell_driver) RaiseInterrupt(abi::kVirtioInterruptConfigChange);
}

void MmioTransport::Read(uint64_t offset, absl::Span<uint8_t> data) {
  std::memset(data.data(), 0, data.size());
  if (offset >= abi::kVirtioConfig) {
    device_->ReadConfig(static_cast<uint32_t>(offset - abi::kVirtioConfig),
                        data);
    return;
  }
  // Section 4.2.2.2: the registers are 32 bits wide and aligned.
  if (offset % 4 != 0 || data.size() != 4) return;
  const uint32_t value = ReadRegister(static_cast<uint32_t>(offset));
  std::memcpy(data.data(), &value, sizeof(value));
}

void MmioTransport::Write(uint64_t offset, absl::Span<const uint8_t> data) {
  if (offset >= abi::kVirtioConfig) {
    device_->WriteConfig(static_cast<uint32_t>(offset - abi::kVirtioConfig),
                         data);
    return;
  }
  if (offset % 4 != 0 || data.size() != 4) return;
  uint32_t value = 0;
  std::memcpy(&value, data.data(), sizeof(value));
  WriteRegister(static_cast<uint32_t>(offset), value);
}

uint32_t MmioTransport::ReadRegister(uint32_t offset) const {
  switch (offset) {
    case abi::kVirtioMagicValue:
      return abi::kVirtioMagic;
    case abi::kVirtioVersion:
      return abi::kVirtioMmioVersion;
    case abi::kVirtioDeviceId:
      return device_->device_id();
    case abi::kVirtioVendorId:
      return abi::kVirtioVendor;
    case abi::kVirtioDeviceFeatures:
      return Half(offered_features(), device_features_sel_);
    case abi::kVirtioQueueNumMax:
      return queue_sel_ < queues_.size() ? queues_[queue_sel_].max_size() : 0;
    case abi::kVirtioQueueReady:
      return queue_sel_ < queues_.size() && queues_[queue_sel_].ready();
    case abi::kVirtioInterruptStatus:
      return interrupt_status_;
    case abi::kVirtioStatus:
      return status_;
    case abi::kVirtioShmLenLow:
    case abi::kVirtioShmLenHigh:
    case abi::kVirtioShmBaseLow:
    case abi::kVirtioShmBaseHigh:
      return 0xffffffff;  // no shared memory region, whatever ShmSel is
    case abi::kVirtioConfigGeneration:
      return config_generation_;
    default:
      return 0;
  }
}

void MmioTransport::WriteRegister(uint32_t offset, uint32_t value) {
  switch (offset) {
    case abi::kVirtioDeviceFeaturesSel:
      device_features_sel_ = value;
      break;
    case abi::kVirtioDriverFeatures:
      // Settled once FEATURES_OK is set (section 3.1.1).
      if (status_ & abi::kVirtioStatusFeaturesOk) break;
      if (driver_features_sel_ == 0) SetLow(driver_features_, value);
      if (driver_features_sel_ == 1) SetHigh(driver_features_, value);
      break;
    case abi::kVirtioDriverFeaturesSel:
      driver_features_sel_ = value;
      break;
    case abi::kVirtioQueueSel:
      queue_sel_ = value;
      break;
    case abi::kVirtioQueueNotify:
      Notify(value);
      break;
    case abi::kVirtioInterruptAck:
      interrupt_status_ &= ~value;
      break;
    case abi::kVirtioStatus:
      WriteStatus(value);
      break;
    default:
      WriteQueueRegister(offset, value);
      break;
  }
}

void MmioTransport::WriteQueueRegister(uint32_t offset, uint32_t value) {
  if (queue_sel_ >= queues_.size()) return;
  Virtqueue& queue = queues_[queue_sel_];
  QueueSetup& setup = setups_[queue_sel_];
  if (offset == abi::kVirtioQueueReady) {
    WriteQueueReady(setup, queue, value);
    return;
  }
  // Section 4.2.2.2: not to be changed while the queue is in use.
  if (queue.ready()) return;
  switch (offset) {
    case abi::kVirtioQueueNum:
      // What does not fit becomes a size that Configure() refuses.
      setup.size = value <= abi::kVirtqMaxSize ? value : 0;
      break;
    case abi::kVirtioQueueDescLow:
      SetLow(setup.desc, value);
      break;
    case abi::kVirtioQueueDescHigh:
      SetHigh(setup.desc, value);
      break;
    case abi::kVirtioQueueDriverLow:
      SetLow(setup.driver, value);
      break;
    case abi::kVirtioQueueDriverHigh:
      SetHigh(setup.driver, value);
      break;
    case abi::kVirtioQueueDeviceLow:
      SetLow(setup.device, value);
      break;
    case abi::kVirtioQueueDeviceHigh:
      SetHigh(setup.device, value);
      break;
    default:
      break;
  }
}

void MmioTransport::WriteQueueReady(QueueSetup& setup, Virtqueue& queue,
                                    uint32_t value) {
  if ((value != 0) == queue.ready()) return;
  if (value == 0) {
    // Devices may hold chains of a running queue, and VIRTIO_F_RING_RESET is
    // not offered: only a device reset takes a queue away.
    if (status_ & abi::kVirtioStatusDriverOk) {
      Settle(absl::InvalidArgumentError(
          "the driver switched off a queue of a running device"));
      return;
    }
    queue.Reset();
    return;
  }
  if ((status_ & abi::kVirtioStatusFeaturesOk) == 0) {
    Settle(absl::InvalidArgumentError(
        "the driver set up a queue before the features"));
    return;
  }
  Settle(queue.Configure(setup.size, GuestAddress(setup.desc),
                         GuestAddress(setup.driver),
                         GuestAddress(setup.device)));
}

void MmioTransport::WriteStatus(uint32_t value) {
  if (value == 0) {
    Reset();
    return;
  }
  constexpr uint32_t kDriverBits =
      abi::kVirtioStatusAcknowledge | abi::kVirtioStatusDriver |
      abi::kVirtioStatusFeaturesOk | abi::kVirtioStatusDriverOk |
      abi::kVirtioStatusFailed;
  // A driver only ever adds bits (section 2.1.1); NEEDS_RESET is ours.
  uint32_t added = value & kDriverBits & ~status_;
  if (added & abi::kVirtioStatusFeaturesOk) {
    const bool acceptable = (driver_features_ & ~offered_features()) == 0 &&
                            (driver_features_ & abi::kVirtioFVersion1) != 0 &&
                            ((status_ | added) & abi::kVirtioStatusDriver) != 0;
    // Section 3.1.1: the driver reads back whether the bit stayed set.
    if (!acceptable) added &= ~abi::kVirtioStatusFeaturesOk;
  }
  if (((status_ | added) & abi::kVirtioStatusFeaturesOk) == 0) {
    added &= ~abi::kVirtioStatusDriverOk;
  }
  status_ |= added;
  if ((added & abi::kVirtioStatusDriverOk) && IsRunning()) {
    Settle(device_->OnDriverOk());
  }
}

void MmioTransport::Notify(uint32_t queue) {
  if (!IsRunning() || queue >= queues_.size() || !queues_[queue].ready()) {
    return;
  }
  Settle(device_->OnNotify(static_cast<int>(queue)));
}

void MmioTransport::Reset() {
  status_ = 0;
  interrupt_status_ = 0;
  device_features_sel_ = 0;
  driver_features_sel_ = 0;
  queue_sel_ = 0;
  driver_features_ = 0;
  for (Virtqueue& queue : queues_) queue.Reset();
  for (QueueSetup& setup : setups_) setup = QueueSetup();
  device_->Reset();
}

absl::StatusOr<MmioTransportState> MmioTransport::SaveState() const {
  MmioTransportState state;
  state.device_id = device_->device_id();
  state.status = status_;
  state.interrupt_status = interrupt_status_;
  state.config_generation = config_generation_;
  state.device_features_sel = device_features_sel_;
  state.driver_features_sel = driver_features_sel_;
  state.queue_sel = queue_sel_;
  state.driver_features = driver_features_;
  state.setups = setups_;
  for (const Virtqueue& queue : queues_) {
    state.queues.push_back(queue.SaveState());
  }
  CRVM_ASSIGN_OR_RETURN(state.device, device_->SaveState());
  return state;
}

absl::Status MmioTransport::RestoreState(const MmioTransportState& state) {
  if (state.device_id != device_->device_id() ||
      state.queues.size() != queues_.size() ||
      state.setups.size() != setups_.size()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "the saved device in slot %d is of another kind (id %d, %d queues)",
        slot_, state.device_id, state.queues.size()));
  }
  const bool features_settled =
      (state.status & abi::kVirtioStatusFeaturesOk) != 0;
  if (features_settled && (state.driver_features & ~offered_features()) != 0) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "the saved device in slot %d uses features 0x%x that this one lacks",
        slot_, state.driver_features & ~offered_features()));
  }
  Reset();
  for (size_t i = 0; i < queues_.size(); ++i) {
    CRVM_RETURN_IF_ERROR(queues_[i].RestoreState(state.queues[i]));
  }
  setups_ = state.setups;
  status_ = state.status;
  interrupt_status_ = state.interrupt_status;
  config_generation_ = state.config_generation;
  device_features_sel_ = state.device_features_sel;
  driver_features_sel_ = state.driver_features_sel;
  queue_sel_ = state.queue_sel;
  driver_features_ = state.driver_features;
  return device_->RestoreState(state.device);
}

}  // namespace crvm
