// SPDX-License-Identifier: Apache-2.0
//
// Saving and restoring a whole machine. Order matters only where said.
#include <errno.h>
#include <sys/random.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"
#include "vmm/machine/machine.h"
#include "vmm/machine/used_memory.h"

namespace crvm {
namespace {

constexpr char kMachineSection[] = "machine";
constexpr char kVcpuSection[] = "vcpu0";
constexpr uint32_t kMachineVersion = 1;
constexpr uint32_t kVcpuVersion = 1;

// What is of the machine itself and of none of its parts.
struct MachineState {
  uint32_t abi_version = abi::kAbiVersion;
  uint64_t memory_size = 0;
  StdioConfig stdio[3];
  KernelSymbols symbols;
  XsaveLayout xsave;
  ClockState clock;
};

constexpr uint64_t KernelSymbols::*kSymbolFields[] = {
    &KernelSymbols::entry,        &KernelSymbols::text_begin,
    &KernelSymbols::text_end,     &KernelSymbols::image_end,
    &KernelSymbols::vcpu_entries, &KernelSymbols::gates};

void Encode(const MachineState& state, StateWriter& writer) {
  writer.U32(kMachineVersion);
  writer.U32(state.abi_version);
  writer.U64(state.memory_size);
  for (const StdioConfig& stdio : state.stdio) {
    writer.U32(static_cast<uint32_t>(stdio.kind));
    writer.U32(stdio.stream);
  }
  for (auto field : kSymbolFields) writer.U64(state.symbols.*field);
  crvm::Encode(state.xsave, writer);
  crvm::Encode(state.clock, writer);
}

absl::StatusOr<MachineState> DecodeMachineState(StateReader& reader) {
  MachineState state;
  CRVM_ASSIGN_OR_RETURN(uint32_t version, reader.U32());
  CRVM_ASSIGN_OR_RETURN(state.abi_version, reader.U32());
  if (version != kMachineVersion || state.abi_version != abi::kAbiVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the snapshot's kernel speaks abi ", state.abi_version,
        " (machine state ", version, "), this crvm speaks abi ",
        abi::kAbiVersion, "; resume it with the crvm that made it"));
  }
  CRVM_ASSIGN_OR_RETURN(state.memory_size, reader.U64());
  for (StdioConfig& stdio : state.stdio) {
    CRVM_ASSIGN_OR_RETURN(uint32_t kind, reader.U32());
    CRVM_ASSIGN_OR_RETURN(uint32_t stream, reader.U32());
    if (kind > static_cast<uint32_t>(abi::StdioKind::kStream) ||
        stream > abi::kStreamSocket) {
      return absl::InvalidArgumentError("machine state: unknown console kind");
    }
    stdio.kind = static_cast<abi::StdioKind>(kind);
    stdio.stream = static_cast<abi::StreamKind>(stream);
  }
  for (auto field : kSymbolFields) {
    CRVM_ASSIGN_OR_RETURN(state.symbols.*field, reader.U64());
  }
  CRVM_ASSIGN_OR_RETURN(state.xsave, DecodeXsaveLayout(reader));
  CRVM_ASSIGN_OR_RETURN(state.clock, DecodeClockState(reader));
  CRVM_RETURN_IF_ERROR(reader.ExpectEnd());
  return state;
}

}  // namespace

absl::Status Machine::Save(ComponentSink& sink) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (state_ != State::kPaused) {
      return absl::FailedPreconditionError("the VM is not paused");
    }
  }
  MachineState state;
  state.memory_size = memory_->size();
  std::copy(stdio_, stdio_ + 3, state.stdio);
  state.symbols = symbols_;
  state.xsave = xsave_;
  state.clock = clock_->SaveState();
  StateWriter writer;
  Encode(state, writer);
  CRVM_RETURN_IF_ERROR(
      sink.Section(kMachineSection, kMachineVersion, writer.Take()));
  crvm::Encode(paused_vcpu_, writer);
  CRVM_RETURN_IF_ERROR(sink.Section(kVcpuSection, kVcpuVersion, writer.Take()));
  CRVM_RETURN_IF_ERROR(devices_->Save(sink));
  UsedMemory used(&*memory_);
  return sink.Memory(used);
}

uint64_t Machine::MemoryInUse() const { return UsedMemory(&*memory_).Bytes(); }

absl::StatusOr<std::unique_ptr<Machine>> Machine::Restore(
    ComponentSource& source, const RestoreOptions& options,
    std::vector<std::string>* warnings) {
  std::unique_ptr<Machine> machine(new Machine());
  CRVM_RETURN_IF_ERROR(machine->RestoreComponents(source, options, warnings));
  return machine;
}

absl::Status Machine::RestoreComponents(ComponentSource& source,
                                        const RestoreOptions& options,
                                        std::vector<std::string>* warnings) {
  uint32_t version = 0;
  CRVM_ASSIGN_OR_RETURN(std::string bytes,
                        source.Section(kMachineSection, &version));
  StateReader machine_reader(bytes);
  CRVM_ASSIGN_OR_RETURN(MachineState state, DecodeMachineState(machine_reader));
  CRVM_ASSIGN_OR_RETURN(std::string vcpu_bytes,
                        source.Section(kVcpuSection, &version));
  StateReader vcpu_reader(vcpu_bytes);
  CRVM_ASSIGN_OR_RETURN(VcpuState vcpu, DecodeVcpuState(vcpu_reader));

  CRVM_RETURN_IF_ERROR(CreateVm(state.memory_size, options.privilege));
  CRVM_RETURN_IF_ERROR(CheckXsaveLayout(state.xsave, xsave_));
  xsave_ = state.xsave;
  symbols_ = state.symbols;
  std::copy(state.stdio, state.stdio + 3, stdio_);
  CRVM_RETURN_IF_ERROR(CreateDevices("/", 80, 24));
  WholeMemory memory(&*memory_);
  CRVM_RETURN_IF_ERROR(source.Memory(memory));
  // Queues are read from memory, so devices come after it.
  CRVM_RETURN_IF_ERROR(devices_->Restore(source, options.files, warnings));
  CRVM_RETURN_IF_ERROR(clock_->RestoreState(state.clock, options.clock));
  CRVM_RETURN_IF_ERROR(Start(vcpu));
  runner_->SetPending(abi::kEventResumed | abi::kEventDevice |
                      abi::kEventTimer);
  return TellResumed(state.clock);
}

// The clones of a snapshot must not share random numbers.
absl::Status Machine::TellResumed(const ClockState& clock) {
  abi::ControlResumed resumed = {};
  resumed.generation = clock.generation + 1;
  ClockState now = clock_->SaveState();
  resumed.realtime_sec = static_cast<int64_t>(now.realtime_ns / 1000000000);
  resumed.realtime_nsec = static_cast<int64_t>(now.realtime_ns % 1000000000);
  resumed.stopped_nsec = now.boottime_extra_ns - clock.boottime_extra_ns;
  if (getrandom(resumed.entropy_seed, sizeof(resumed.entropy_seed), 0) !=
      static_cast<ssize_t>(sizeof(resumed.entropy_seed))) {
    return ErrnoStatus(errno, "getrandom");
  }
  CRVM_RETURN_IF_ERROR(devices_->control().SendResumed(resumed));
  host_work_.store(true);
  return absl::OkStatus();
}

}  // namespace crvm
