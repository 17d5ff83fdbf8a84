// SPDX-License-Identifier: Apache-2.0
//
// The guest's clocks: abi::ClockPage, written at boot and at resume, and the
// way back from guest time to host delays. While the guest does not run, except
// GuestMonotonicNs (vCPU thread).
#ifndef CRVM_VMM_MACHINE_CLOCK_H_
#define CRVM_VMM_MACHINE_CLOCK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "guestkernel/abi/shared_pages.h"
#include "vmm/base/state_codec.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

// What CLOCK_REALTIME does over a snapshot. CLOCK_MONOTONIC always goes on from
// where it stopped.
enum class ClockPolicy { kRealtimeIsNow, kAsSaved };

struct ClockState {
  static constexpr uint32_t kVersion = 1;
  uint64_t monotonic_ns = 0;
  uint64_t realtime_ns = 0;
  uint64_t boottime_extra_ns = 0;
  uint64_t generation = 0;
  uint64_t host_realtime_ns = 0;  // when it was saved
};
void Encode(const ClockState& state, StateWriter& writer);
absl::StatusOr<ClockState> DecodeClockState(StateReader& reader);

class GuestClock {
 public:
  // Of the guest's TSC on this host: its frequency, and how far it is ahead of
  // the host's own.
  GuestClock(GuestMemory* memory, uint64_t tsc_khz, uint64_t tsc_ahead);

  // A fresh VM: monotonic from 0, realtime as the host's.
  absl::Status Start();
  ClockState SaveState() const;  // the guest's time now
  absl::Status RestoreState(const ClockState& state, ClockPolicy policy);

  uint64_t GuestMonotonicNs() const;

 private:
  absl::Status Publish();
  uint64_t GuestTsc() const;

  GuestMemory* memory_;
  uint64_t tsc_ahead_;
  abi::ClockPage page_ = {};
};

}  // namespace crvm
#endif  // CRVM_VMM_MACHINE_CLOCK_H_
