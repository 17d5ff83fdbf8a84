// SPDX-License-Identifier: Apache-2.0
//
// See device_table.h.

#include "vmm/devices/device_table.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/base/check.h"
#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr uint32_t kStateVersion = 1;

struct Location {
  uint64_t slot;
  uint64_t offset;
};

Location Locate(GuestAddress address) {
  const uint64_t offset = address.value() - abi::kDeviceSlotsBase;
  return {offset / abi::kDeviceSlotSize, offset % abi::kDeviceSlotSize};
}

// Section 4.2.2.2 of virtio 1.2: a slot without a device still has the magic.
uint32_t ReadEmptySlot(uint64_t offset) {
  if (offset == abi::kVirtioMagicValue) return abi::kVirtioMagic;
  if (offset == abi::kVirtioVersion) return abi::kVirtioMmioVersion;
  return 0;
}

}  // namespace

void DeviceTable::Add(abi::DeviceSlot slot, VirtioDevice* device) {
  CRVM_CHECK(slot < transports_.size() && transports_[slot] == nullptr);
  transports_[slot] = std::make_unique<MmioTransport>(static_cast<int>(slot),
                                                      device, memory_, events_);
}

bool DeviceTable::Contains(GuestAddress address) {
  return address.value() >= abi::kDeviceSlotsBase &&
         address.value() - abi::kDeviceSlotsBase <
             abi::kMaxDeviceSlots * abi::kDeviceSlotSize;
}

void DeviceTable::Read(GuestAddress address, absl::Span<uint8_t> data) {
  std::memset(data.data(), 0, data.size());
  if (!Contains(address)) return;
  const Location at = Locate(address);
  if (at.slot < transports_.size() && transports_[at.slot] != nullptr) {
    transports_[at.slot]->Read(at.offset, data);
    return;
  }
  const uint32_t value = ReadEmptySlot(at.offset);
  if (data.size() == sizeof(value)) {
    std::memcpy(data.data(), &value, sizeof(value));
  }
}

void DeviceTable::Write(GuestAddress address, absl::Span<const uint8_t> data) {
  if (!Contains(address)) return;
  const Location at = Locate(address);
  if (at.slot < transports_.size() && transports_[at.slot] != nullptr) {
    transports_[at.slot]->Write(at.offset, data);
  }
}

void DeviceTable::ProcessHostEvents() {
  for (const auto& transport : transports_) {
    if (transport != nullptr) transport->ProcessHostEvent();
  }
}

absl::StatusOr<std::string> DeviceTable::SaveState() const {
  StateWriter writer;
  writer.U32(kStateVersion);
  uint64_t count = 0;
  for (const auto& transport : transports_) count += transport != nullptr;
  writer.U64(count);
  for (uint32_t slot = 0; slot < transports_.size(); ++slot) {
    if (transports_[slot] == nullptr) continue;
    CRVM_ASSIGN_OR_RETURN(const MmioTransportState state,
                          transports_[slot]->SaveState());
    writer.U32(slot);
    Encode(state, writer);
  }
  return writer.Take();
}

absl::StatusOr<std::vector<DeviceTable::SavedSlot>> DeviceTable::Decode(
    absl::string_view bytes) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(const uint32_t version, reader.U32());
  if (version != kStateVersion) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "device state has version %d; this crvm reads version %d", version,
        kStateVersion));
  }
  std::vector<SavedSlot> saved;
  CRVM_ASSIGN_OR_RETURN(const size_t count,
                        reader.Count(abi::kDeviceSlotCount));
  for (size_t i = 0; i < count; ++i) {
    CRVM_ASSIGN_OR_RETURN(const uint32_t slot, reader.U32());
    CRVM_ASSIGN_OR_RETURN(MmioTransportState state,
                          DecodeMmioTransportState(reader));
    // Ascending, so none comes twice.
    if (slot >= abi::kDeviceSlotCount ||
        (!saved.empty() && slot <= saved.back().slot)) {
      return absl::InvalidArgumentError(
          absl::StrFormat("device state names slot %d out of order", slot));
    }
    saved.push_back({static_cast<abi::DeviceSlot>(slot), std::move(state)});
  }
  CRVM_RETURN_IF_ERROR(reader.ExpectEnd());
  return saved;
}

absl::StatusOr<std::vector<abi::DeviceSlot>> DeviceTable::SavedSlots(
    absl::string_view bytes) {
  CRVM_ASSIGN_OR_RETURN(const std::vector<SavedSlot> saved, Decode(bytes));
  std::vector<abi::DeviceSlot> slots;
  for (const SavedSlot& entry : saved) slots.push_back(entry.slot);
  return slots;
}

absl::Status DeviceTable::RestoreState(absl::string_view bytes) {
  CRVM_ASSIGN_OR_RETURN(const std::vector<SavedSlot> saved, Decode(bytes));
  size_t present = 0;
  for (const auto& transport : transports_) present += transport != nullptr;
  if (present != saved.size()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("the snapshot has %d devices, this machine has %d",
                        saved.size(), present));
  }
  for (const SavedSlot& entry : saved) {
    if (!Has(entry.slot)) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "the snapshot has a device in slot %d, this machine has none",
          static_cast<int>(entry.slot)));
    }
    CRVM_RETURN_IF_ERROR(transports_[entry.slot]->RestoreState(entry.state));
  }
  return absl::OkStatus();
}

}  // namespace crvm
