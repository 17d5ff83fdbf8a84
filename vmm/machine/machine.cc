// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/machine.h"

#include <errno.h>
#include <poll.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vmm/base/log.h"
#include "vmm/base/status_macros.h"
#include "vmm/boot/descriptor_tables.h"
#include "vmm/boot/page_tables.h"
#include "vmm/machine/used_memory.h"

namespace crvm {
namespace {

using abi::PrivilegeMode;

absl::Status CheckMemorySize(uint64_t bytes) {
  if (bytes < abi::kMinMemory || bytes > abi::kMaxMemory ||
      bytes % abi::kHugePageSize != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "memory of ", bytes, " bytes: need a multiple of 2 MiB from ",
        abi::kMinMemory >> 20, " MiB to ", abi::kMaxMemory >> 30, " GiB"));
  }
  return absl::OkStatus();
}

}  // namespace

Machine::~Machine() = default;

absl::StatusOr<std::unique_ptr<Machine>> Machine::Create(
    const MachineConfig& config) {
  std::unique_ptr<Machine> machine(new Machine());
  CRVM_RETURN_IF_ERROR(
      machine->CreateVm(config.memory_bytes, config.privilege));
  CRVM_RETURN_IF_ERROR(machine->Boot(config));
  return machine;
}

absl::Status Machine::CreateVm(uint64_t memory_bytes, PrivilegeChoice choice) {
  CRVM_RETURN_IF_ERROR(CheckMemorySize(memory_bytes));
  CRVM_ASSIGN_OR_RETURN(Kvm kvm, Kvm::Open());
  CRVM_ASSIGN_OR_RETURN(auto cpuid, kvm.SupportedCpuid());
  CRVM_ASSIGN_OR_RETURN(xsave_, HostXsaveLayout(cpuid));
  CRVM_ASSIGN_OR_RETURN(GuestMemory memory, GuestMemory::Create(memory_bytes));
  memory_.emplace(std::move(memory));
  CRVM_ASSIGN_OR_RETURN(KvmVm vm, kvm.CreateVm());
  CRVM_RETURN_IF_ERROR(
      vm.SetMemory(0, GuestAddress(0),
                   absl::MakeSpan(memory_->host_base(), memory_->size())));
  CRVM_ASSIGN_OR_RETURN(KvmVcpu vcpu, vm.CreateVcpu(0));
  vm_.emplace(std::move(vm));
  CRVM_RETURN_IF_ERROR(vcpu.SetCpuid(cpuid));
  if (choice == PrivilegeChoice::kAuto) {
    CRVM_ASSIGN_OR_RETURN(host_kind_, ProbeHost(vcpu, *memory_));
    mode_ = host_kind_.interprets_ring0 ? PrivilegeMode::kDeprivileged
                                        : PrivilegeMode::kSupervisor;
  } else {
    mode_ = choice == PrivilegeChoice::kDeprivileged
                ? PrivilegeMode::kDeprivileged
                : PrivilegeMode::kSupervisor;
  }
  CRVM_ASSIGN_OR_RETURN(uint64_t tsc_khz, vcpu.TscKhz());
  CRVM_ASSIGN_OR_RETURN(uint64_t tsc_ahead, vcpu.AlignTsc());
  clock_ = std::make_unique<GuestClock>(&*memory_, tsc_khz, tsc_ahead);
  fresh_vcpu_.emplace(std::move(vcpu));
  return absl::OkStatus();
}

absl::Status Machine::CreateDevices(const std::string& fs_root,
                                    uint16_t columns, uint16_t rows) {
  CRVM_ASSIGN_OR_RETURN(
      devices_,
      MachineDevices::Create(&*memory_, this, fs_root, stdio_, columns, rows));
  return absl::OkStatus();
}

absl::Status Machine::Boot(const MachineConfig& config) {
  std::copy(config.stdio, config.stdio + 3, stdio_);
  CRVM_ASSIGN_OR_RETURN(symbols_, LoadEmbeddedKernel(*memory_));
  CRVM_RETURN_IF_ERROR(BuildKernelPageTables(*memory_, symbols_));
  BootParameters boot;
  boot.executable = config.executable;
  boot.cwd = config.cwd;
  boot.hostname = config.hostname;
  boot.argv = config.argv;
  boot.env = config.env;
  for (int i = 0; i < 3; ++i) {
    boot.stdio[i] = config.stdio[i].kind;
    boot.stream[i] = config.stdio[i].stream;
  }
  boot.columns = config.columns;
  boot.rows = config.rows;
  boot.xcr0 = xsave_.xcr0;
  boot.xsave_size = xsave_.size;
  CRVM_RETURN_IF_ERROR(WriteBootInfo(*memory_, mode_, boot));
  CRVM_RETURN_IF_ERROR(
      CreateDevices(config.fs_root, config.columns, config.rows));
  CRVM_RETURN_IF_ERROR(clock_->Start());
  VcpuState state;
  state.regs.rip = symbols_.entry;
  state.regs.rflags = 2;
  state.cr3 = abi::kBootPageTablesGpa;
  state.xcr0 = xsave_.xcr0;
  CRVM_ASSIGN_OR_RETURN(state.xsave, fresh_vcpu_->GetXsave());
  return Start(state);
}

absl::Status Machine::Start(const VcpuState& state) {
  CRVM_RETURN_IF_ERROR(SetKernelHalfAccess(*memory_, mode_));
  CRVM_RETURN_IF_ERROR(BuildDescriptorTables(*memory_, symbols_, mode_, 0));
  CRVM_RETURN_IF_ERROR(WriteVcpuPage(*memory_, mode_, symbols_, 0));
  CRVM_ASSIGN_OR_RETURN(
      auto page_bytes,
      memory_->Slice(GuestAddress(abi::kVcpuPageGpa), sizeof(abi::VcpuPage)));
  auto* page = reinterpret_cast<abi::VcpuPage*>(page_bytes.data());
  VcpuSetup setup;
  setup.mode = mode_;
  setup.syscall_entry = page->syscall_entry;
  CRVM_RETURN_IF_ERROR(RestoreVcpu(*fresh_vcpu_, state, setup));
  runner_ = std::make_unique<VcpuRunner>(std::move(*fresh_vcpu_), mode_, page);
  fresh_vcpu_.reset();
  return absl::OkStatus();
}

absl::StatusOr<ExitStatus> Machine::Run() {
  devices_->fuse().IsolateThread();
  absl::Status status = runner_->Run(*this);
  if (exit_status_) status.Update(DrainOutput());
  SetEnded();
  CRVM_RETURN_IF_ERROR(status);
  if (!exit_status_) return absl::CancelledError("the VM was killed");
  return *exit_status_;
}

void Machine::SetEnded() {
  std::lock_guard<std::mutex> lock(mutex_);
  state_ = State::kEnded;
  changed_.notify_all();
}

// What the program wrote last may still wait for a slow reader.
absl::Status Machine::DrainOutput() {
  while (!devices_->OutputIsDrained() && !kill_.load()) {
    pollfd fds[4];
    Console* owners[4];
    int count = 0;
    for (uint32_t slot = 0; slot < 4; ++slot) {
      Console* c = devices_->console(static_cast<abi::DeviceSlot>(slot));
      int fd = c ? c->OutputFdToPoll() : -1;
      if (fd < 0) continue;
      owners[count] = c;
      fds[count++] = {fd, POLLOUT, 0};
    }
    if (count == 0) return absl::OkStatus();  // nowhere to go
    if (poll(fds, static_cast<nfds_t>(count), 100) <= 0) continue;
    for (int i = 0; i < count; ++i) {
      if (fds[i].revents != 0) owners[i]->OutputReady();
    }
    devices_->table().ProcessHostEvents();
  }
  return absl::OkStatus();
}

void Machine::Kick() {
  host_work_.store(true);
  runner_->Kick();
}

void Machine::Kill() {
  kill_.store(true);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    changed_.notify_all();
  }
  runner_->Kick();
}

void Machine::set_interest_callback(std::function<void()> callback) {
  for (uint32_t slot = 0; slot < 4; ++slot) {
    Console* c = devices_->console(static_cast<abi::DeviceSlot>(slot));
    if (c) c->set_interest_callback(callback);
  }
}

absl::StatusOr<bool> Machine::BeforeEntry() {
  if (kill_.load() || exit_status_) return false;
  if (host_work_.exchange(false)) {
    devices_->table().ProcessHostEvents();
    // Also when no device runs yet: the kernel starts the control channel when
    // it is first told to look.
    runner_->SetPending(abi::kEventDevice);
  }
  return true;
}

void Machine::RaiseDeviceEvent(int /*device_index*/) {
  runner_->SetPending(abi::kEventDevice);
}

absl::Status Machine::OnMmioRead(GuestAddress at, absl::Span<uint8_t> data) {
  if (DeviceTable::Contains(at)) {
    devices_->table().Read(at, data);
  } else {
    std::fill(data.begin(), data.end(), 0xff);  // as an empty bus reads
  }
  return absl::OkStatus();
}

absl::Status Machine::OnMmioWrite(GuestAddress at,
                                  absl::Span<const uint8_t> data) {
  if (DeviceTable::Contains(at)) {
    devices_->table().Write(at, data);
    return absl::OkStatus();
  }
  auto offset = at.CheckedOffsetFrom(GuestAddress(abi::kDoorbellGpa));
  uint64_t value = 0;
  if (!offset || *offset >= abi::kPageSize || data.size() != sizeof(value)) {
    return absl::OkStatus();  // nothing there: ignored
  }
  std::memcpy(&value, data.data(), sizeof(value));
  return OnDoorbell(static_cast<abi::Doorbell>(*offset), value);
}

absl::Status Machine::OnDoorbell(abi::Doorbell which, uint64_t value) {
  switch (which) {
    case abi::Doorbell::kIdle:
      runner_->WaitForEvent();
      return absl::OkStatus();
    case abi::Doorbell::kArmTimer: {
      std::optional<uint64_t> delay;
      uint64_t now = clock_->GuestMonotonicNs();
      if (value != ~uint64_t{0}) delay = value > now ? value - now : 0;
      runner_->ArmTimer(delay);
      return absl::OkStatus();
    }
    case abi::Doorbell::kExit:
      exit_status_ = ExitStatus{static_cast<int>(value & 0xffff)};
      return absl::OkStatus();
    case abi::Doorbell::kLog:
      LogFromGuest(value);
      return absl::OkStatus();
    case abi::Doorbell::kSafePoint:
      return StopAtSafePoint();
    case abi::Doorbell::kPanic:
      return ReportPanic(value);
    case abi::Doorbell::kKick:
      return absl::OkStatus();  // one vCPU: it is running already
  }
  return absl::OkStatus();
}

namespace {

// The text of a LogRecord, printable characters only.
std::string ReadLogText(const GuestMemory& memory, uint64_t gpa,
                        uint32_t* level) {
  auto record = memory.Read<abi::LogRecord>(GuestAddress(gpa));
  if (!record.ok()) return "(unreadable message)";
  *level = record->level;
  size_t length = std::min<size_t>(record->length, sizeof(record->text));
  std::string text(record->text, length);
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

}  // namespace

void Machine::LogFromGuest(uint64_t gpa) {
  uint32_t level = 0;
  std::string text = ReadLogText(*memory_, gpa, &level);
  switch (level) {
    case 0:
      CRVM_LOG(ERROR) << "guest kernel: " << text;
      break;
    case 1:
      CRVM_LOG(WARNING) << "guest kernel: " << text;
      break;
    case 2:
      CRVM_LOG(INFO) << "guest kernel: " << text;
      break;
    default:
      CRVM_LOG(DEBUG) << "guest kernel: " << text;
  }
}

absl::Status Machine::ReportPanic(uint64_t gpa) {
  uint32_t level;
  return absl::InternalError(absl::StrCat("the guest kernel stopped: ",
                                          ReadLogText(*memory_, gpa, &level)));
}

absl::Status Machine::Pause(int timeout_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (state_ == State::kEnded) {
    return absl::FailedPreconditionError("the program has ended");
  }
  if (state_ == State::kRunning) {
    state_ = State::kPauseRequested;
    runner_->SetPending(abi::kEventPause);
    runner_->Kick();
  }
  auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (state_ == State::kPauseRequested) {
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout &&
        state_ == State::kPauseRequested) {
      state_ = State::kRunning;
      return absl::DeadlineExceededError(absl::StrCat(
          "the guest kernel did not come to rest within ", timeout_ms, " ms"));
    }
  }
  if (state_ == State::kEnded) {
    return absl::FailedPreconditionError("the program has ended");
  }
  return absl::OkStatus();
}

void Machine::Resume() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (state_ == State::kEnded) return;
  state_ = State::kRunning;
  changed_.notify_all();
}

absl::Status Machine::StopAtSafePoint() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (state_ != State::kPauseRequested) return absl::OkStatus();
  CRVM_RETURN_IF_ERROR(runner_->vcpu().CompleteExit());
  CRVM_ASSIGN_OR_RETURN(paused_vcpu_, SaveVcpu(runner_->vcpu(), xsave_.xcr0));
  state_ = State::kPaused;
  changed_.notify_all();
  while (state_ == State::kPaused && !kill_.load()) changed_.wait(lock);
  return absl::OkStatus();
}

}  // namespace crvm
