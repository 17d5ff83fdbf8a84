// SPDX-License-Identifier: Apache-2.0
//
// RAII over /dev/kvm: Kvm (the device), KvmVm (one VM), KvmVcpu (one vCPU and
// its shared kvm_run page). One ioctl each; errors name the ioctl. Kvm and
// KvmVm: any thread; KvmVcpu: the vCPU thread, except Kick().
#ifndef CRVM_VMM_KVM_KVM_H_
#define CRVM_VMM_KVM_KVM_H_

#include <linux/kvm.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "vmm/base/mapped_region.h"
#include "vmm/base/unique_fd.h"
#include "vmm/memory/guest_address.h"

namespace crvm {

class KvmVcpu;
class KvmVm;

class Kvm {
 public:
  // Opens /dev/kvm and checks its version. NotFound without the device,
  // PermissionDenied without the right; the text says what to do.
  static absl::StatusOr<Kvm> Open();

  absl::StatusOr<KvmVm> CreateVm() const;
  // KVM_CHECK_EXTENSION: 0 when absent.
  int Extension(int capability) const;
  absl::StatusOr<std::vector<kvm_cpuid_entry2>> SupportedCpuid() const;

 private:
  explicit Kvm(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

class KvmVm {
 public:
  // Makes host memory guest RAM at `gpa`. The memory must outlive the VM.
  absl::Status SetMemory(uint32_t slot, GuestAddress gpa,
                         absl::Span<uint8_t> memory);
  absl::StatusOr<KvmVcpu> CreateVcpu(unsigned index);

 private:
  friend class Kvm;
  KvmVm(UniqueFd fd, size_t run_size)
      : fd_(std::move(fd)), run_size_(run_size) {}
  UniqueFd fd_;
  size_t run_size_;
};

class KvmVcpu {
 public:
  // KVM_RUN. False when it was interrupted by a signal or immediate_exit (then
  // immediate_exit is cleared), true with run().exit_reason otherwise.
  absl::StatusOr<bool> Run();
  // Finishes the instruction of the last MMIO exit without running on, so that
  // the state can be saved.
  absl::Status CompleteExit();

  kvm_run& run() { return *reinterpret_cast<kvm_run*>(run_.data()); }

  absl::StatusOr<kvm_regs> GetRegs() const;
  absl::Status SetRegs(const kvm_regs& regs);
  absl::StatusOr<kvm_sregs> GetSregs() const;
  absl::Status SetSregs(const kvm_sregs& sregs);
  absl::Status SetCpuid(const std::vector<kvm_cpuid_entry2>& entries);
  // All or an error: a partly set list is one.
  absl::Status SetMsrs(absl::Span<const kvm_msr_entry> msrs);
  absl::Status SetXcr0(uint64_t value);
  absl::StatusOr<std::vector<uint8_t>> GetXsave() const;
  absl::Status SetXsave(absl::Span<const uint8_t> area);
  absl::Status Interrupt(uint8_t vector);
  absl::StatusOr<uint64_t> TscKhz() const;
  // Makes the guest's TSC this host's own: KVM starts it at 0. How many ticks
  // the guest's is ahead (modulo 2^64): 0, except where KVM cannot set it
  // (before Linux 5.16).
  absl::StatusOr<uint64_t> AlignTsc();

 private:
  friend class KvmVm;
  KvmVcpu(UniqueFd fd, MappedRegion run)
      : fd_(std::move(fd)), run_(std::move(run)) {}
  UniqueFd fd_;
  MappedRegion run_;
};

}  // namespace crvm
#endif  // CRVM_VMM_KVM_KVM_H_
