// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/clock.h"

#include <time.h>
#include <x86intrin.h>

#include "absl/strings/str_cat.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// multiplier / 2^32 nanoseconds to a tick: exact to 1e-9 at any frequency.
constexpr uint32_t kShift = 32;

uint64_t HostRealtimeNs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

}  // namespace

void Encode(const ClockState& state, StateWriter& writer) {
  writer.U32(ClockState::kVersion);
  writer.U64(state.monotonic_ns);
  writer.U64(state.realtime_ns);
  writer.U64(state.boottime_extra_ns);
  writer.U64(state.generation);
  writer.U64(state.host_realtime_ns);
}

absl::StatusOr<ClockState> DecodeClockState(StateReader& reader) {
  ClockState state;
  CRVM_ASSIGN_OR_RETURN(uint32_t version, reader.U32());
  if (version != ClockState::kVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("clock state has version ", version));
  }
  CRVM_ASSIGN_OR_RETURN(state.monotonic_ns, reader.U64());
  CRVM_ASSIGN_OR_RETURN(state.realtime_ns, reader.U64());
  CRVM_ASSIGN_OR_RETURN(state.boottime_extra_ns, reader.U64());
  CRVM_ASSIGN_OR_RETURN(state.generation, reader.U64());
  CRVM_ASSIGN_OR_RETURN(state.host_realtime_ns, reader.U64());
  return state;
}

GuestClock::GuestClock(GuestMemory* memory, uint64_t tsc_khz,
                       uint64_t tsc_ahead)
    : memory_(memory), tsc_ahead_(tsc_ahead) {
  page_.shift = kShift;
  page_.multiplier = (uint64_t{1000000} << kShift) / tsc_khz;
}

uint64_t GuestClock::GuestTsc() const { return __rdtsc() + tsc_ahead_; }

absl::Status GuestClock::Start() {
  page_.tsc_base = GuestTsc();
  page_.realtime_ns = HostRealtimeNs();
  return Publish();
}

uint64_t GuestClock::GuestMonotonicNs() const {
  unsigned __int128 ticks = GuestTsc() - page_.tsc_base;
  return page_.monotonic_ns +
         static_cast<uint64_t>(ticks * page_.multiplier >> kShift);
}

ClockState GuestClock::SaveState() const {
  ClockState state;
  state.monotonic_ns = GuestMonotonicNs();
  state.realtime_ns =
      page_.realtime_ns + (state.monotonic_ns - page_.monotonic_ns);
  state.boottime_extra_ns = page_.boottime_extra_ns;
  state.generation = page_.generation;
  state.host_realtime_ns = HostRealtimeNs();
  return state;
}

absl::Status GuestClock::RestoreState(const ClockState& state,
                                      ClockPolicy policy) {
  uint64_t now = HostRealtimeNs();
  page_.tsc_base = GuestTsc();
  page_.monotonic_ns = state.monotonic_ns;
  page_.realtime_ns = policy == ClockPolicy::kAsSaved ? state.realtime_ns : now;
  page_.boottime_extra_ns = state.boottime_extra_ns;
  if (policy == ClockPolicy::kRealtimeIsNow && now > state.host_realtime_ns) {
    page_.boottime_extra_ns += now - state.host_realtime_ns;
  }
  page_.generation = state.generation + 1;
  return Publish();
}

absl::Status GuestClock::Publish() {
  return memory_->Write(GuestAddress(abi::kClockPageGpa), page_);
}

}  // namespace crvm
