// SPDX-License-Identifier: Apache-2.0
//
// The encoding of MmioTransportState. Decoding trusts nothing.

#include "absl/strings/str_format.h"
#include "vmm/base/status_macros.h"
#include "vmm/devices/virtio/mmio_transport.h"

namespace crvm {
namespace {

constexpr uint32_t kStateVersion = 1;
constexpr size_t kMaxQueues = 64;
// A sanity limit only: the reader never allocates more than its input holds.
constexpr size_t kMaxDeviceState = size_t{16} << 30;

}  // namespace

void Encode(const MmioTransportState& state, StateWriter& writer) {
  writer.U32(kStateVersion);
  writer.U32(state.device_id);
  writer.U32(state.status);
  writer.U32(state.interrupt_status);
  writer.U32(state.config_generation);
  writer.U32(state.device_features_sel);
  writer.U32(state.driver_features_sel);
  writer.U32(state.queue_sel);
  writer.U64(state.driver_features);
  writer.U64(state.setups.size());
  for (const QueueSetup& setup : state.setups) {
    writer.U16(setup.size);
    writer.U64(setup.desc);
    writer.U64(setup.driver);
    writer.U64(setup.device);
  }
  writer.U64(state.queues.size());
  for (const VirtqueueState& queue : state.queues) Encode(queue, writer);
  writer.String(state.device);
}

absl::StatusOr<MmioTransportState> DecodeMmioTransportState(
    StateReader& reader) {
  CRVM_ASSIGN_OR_RETURN(const uint32_t version, reader.U32());
  if (version != kStateVersion) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "virtio transport state has version %d; this crvm reads version %d",
        version, kStateVersion));
  }
  MmioTransportState state;
  CRVM_ASSIGN_OR_RETURN(state.device_id, reader.U32());
  CRVM_ASSIGN_OR_RETURN(state.status, reader.U32());
  CRVM_ASSIGN_OR_RETURN(state.interrupt_status, reader.U32());
  CRVM_ASSIGN_OR_RETURN(state.config_generation, reader.U32());
  CRVM_ASSIGN_OR_RETURN(state.device_features_sel, reader.U32());
  CRVM_ASSIGN_OR_RETURN(state.driver_features_sel, reader.U32());
  CRVM_ASSIGN_OR_RETURN(state.queue_sel, reader.U32());
  CRVM_ASSIGN_OR_RETURN(state.driver_features, reader.U64());
  CRVM_ASSIGN_OR_RETURN(const size_t setups, reader.Count(kMaxQueues));
  for (size_t i = 0; i < setups; ++i) {
    QueueSetup setup;
    CRVM_ASSIGN_OR_RETURN(setup.size, reader.U16());
    CRVM_ASSIGN_OR_RETURN(setup.desc, reader.U64());
    CRVM_ASSIGN_OR_RETURN(setup.driver, reader.U64());
    CRVM_ASSIGN_OR_RETURN(setup.device, reader.U64());
    state.setups.push_back(setup);
  }
  CRVM_ASSIGN_OR_RETURN(const size_t queues, reader.Count(kMaxQueues));
  for (size_t i = 0; i < queues; ++i) {
    CRVM_ASSIGN_OR_RETURN(VirtqueueState queue, DecodeVirtqueueState(reader));
    state.queues.push_back(queue);
  }
  CRVM_ASSIGN_OR_RETURN(state.device, reader.String(kMaxDeviceState));
  return state;
}

}  // namespace crvm
