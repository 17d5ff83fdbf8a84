// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"
#include "vmm/kvm/kvm_abi.h"

namespace crvm {
namespace {

constexpr int kApiVersion = 12;
constexpr uint32_t kTscMsr = 0x10;  // IA32_TIME_STAMP_COUNTER, SDM vol. 4

template <typename Argument>
absl::StatusOr<int> Ioctl(const UniqueFd& fd, unsigned long request,
                          Argument argument, absl::string_view name) {
  int result;
  do {
    result = ioctl(fd.get(), request, argument);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return ErrnoStatus(errno, name);
  return result;
}

absl::Status OpenError(int error) {
  if (error == ENOENT) {
    return absl::NotFoundError(
        "/dev/kvm does not exist: load the kvm module, or enable "
        "virtualization in the firmware or nested virtualization in the cloud");
  }
  if (error == EACCES || error == EPERM) {
    return absl::PermissionDeniedError(
        "no permission to open /dev/kvm: join the kvm group "
        "(sudo usermod -aG kvm $USER), then log in again");
  }
  return ErrnoStatus(error, "open /dev/kvm");
}

}  // namespace

absl::StatusOr<Kvm> Kvm::Open() {
  UniqueFd fd(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return OpenError(errno);
  CRVM_ASSIGN_OR_RETURN(
      int version, Ioctl(fd, KVM_GET_API_VERSION, 0, "KVM_GET_API_VERSION"));
  if (version != kApiVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "/dev/kvm has API version ", version, ", need ", kApiVersion));
  }
  return Kvm(std::move(fd));
}

absl::StatusOr<KvmVm> Kvm::CreateVm() const {
  CRVM_ASSIGN_OR_RETURN(int vm,
                        Ioctl(fd_, KVM_CREATE_VM, 0ul, "KVM_CREATE_VM"));
  UniqueFd vm_fd(vm);
  CRVM_ASSIGN_OR_RETURN(int run_size, Ioctl(fd_, KVM_GET_VCPU_MMAP_SIZE, 0,
                                            "KVM_GET_VCPU_MMAP_SIZE"));
  return KvmVm(std::move(vm_fd), static_cast<size_t>(run_size));
}

int Kvm::Extension(int capability) const {
  auto result =
      Ioctl(fd_, KVM_CHECK_EXTENSION, capability, "KVM_CHECK_EXTENSION");
  return result.ok() ? *result : 0;
}

absl::StatusOr<std::vector<kvm_cpuid_entry2>> Kvm::SupportedCpuid() const {
  auto cpuid = std::make_unique<kvm_abi::Cpuid2>();
  cpuid->header.nent = kvm_abi::kMaxCpuidEntries;
  CRVM_RETURN_IF_ERROR(Ioctl(fd_, kvm_abi::kGetSupportedCpuid, cpuid.get(),
                             "KVM_GET_SUPPORTED_CPUID")
                           .status());
  return std::vector<kvm_cpuid_entry2>(cpuid->entries,
                                       cpuid->entries + cpuid->header.nent);
}

absl::Status KvmVm::SetMemory(uint32_t slot, GuestAddress gpa,
                              absl::Span<uint8_t> memory) {
  kvm_userspace_memory_region region = {};
  region.slot = slot;
  region.guest_phys_addr = gpa.value();
  region.memory_size = memory.size();
  region.userspace_addr = reinterpret_cast<uint64_t>(memory.data());
  return Ioctl(fd_, KVM_SET_USER_MEMORY_REGION, &region,
               "KVM_SET_USER_MEMORY_REGION")
      .status();
}

absl::StatusOr<KvmVcpu> KvmVm::CreateVcpu(unsigned index) {
  CRVM_ASSIGN_OR_RETURN(
      int fd, Ioctl(fd_, KVM_CREATE_VCPU, static_cast<unsigned long>(index),
                    "KVM_CREATE_VCPU"));
  UniqueFd vcpu_fd(fd);
  CRVM_ASSIGN_OR_RETURN(MappedRegion run,
                        MappedRegion::Map(run_size_, PROT_READ | PROT_WRITE,
                                          MAP_SHARED, vcpu_fd.get(), 0));
  return KvmVcpu(std::move(vcpu_fd), std::move(run));
}

absl::StatusOr<bool> KvmVcpu::Run() {
  if (ioctl(fd_.get(), KVM_RUN, 0) == 0) return true;
  if (errno == EINTR || errno == EAGAIN) {
    __atomic_store_n(&run().immediate_exit, 0, __ATOMIC_RELAXED);
    return false;
  }
  return ErrnoStatus(errno, "KVM_RUN");
}

absl::Status KvmVcpu::CompleteExit() {
  __atomic_store_n(&run().immediate_exit, 1, __ATOMIC_RELAXED);
  CRVM_ASSIGN_OR_RETURN(bool exited, Run());
  __atomic_store_n(&run().immediate_exit, 0, __ATOMIC_RELAXED);
  if (exited) {
    return absl::InternalError("KVM_RUN did not honour immediate_exit");
  }
  return absl::OkStatus();
}

absl::StatusOr<kvm_regs> KvmVcpu::GetRegs() const {
  kvm_regs regs;
  CRVM_RETURN_IF_ERROR(
      Ioctl(fd_, KVM_GET_REGS, &regs, "KVM_GET_REGS").status());
  return regs;
}

absl::Status KvmVcpu::SetRegs(const kvm_regs& regs) {
  return Ioctl(fd_, KVM_SET_REGS, &regs, "KVM_SET_REGS").status();
}

absl::StatusOr<kvm_sregs> KvmVcpu::GetSregs() const {
  kvm_sregs sregs;
  CRVM_RETURN_IF_ERROR(
      Ioctl(fd_, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS").status());
  return sregs;
}

absl::Status KvmVcpu::SetSregs(const kvm_sregs& sregs) {
  return Ioctl(fd_, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS").status();
}

absl::Status KvmVcpu::SetCpuid(const std::vector<kvm_cpuid_entry2>& entries) {
  if (entries.size() > kvm_abi::kMaxCpuidEntries) {
    return absl::InvalidArgumentError("too many CPUID entries");
  }
  auto cpuid = std::make_unique<kvm_abi::Cpuid2>();
  cpuid->header.nent = static_cast<uint32_t>(entries.size());
  std::copy(entries.begin(), entries.end(), cpuid->entries);
  return Ioctl(fd_, kvm_abi::kSetCpuid2, cpuid.get(), "KVM_SET_CPUID2")
      .status();
}

absl::Status KvmVcpu::SetMsrs(absl::Span<const kvm_msr_entry> msrs) {
  if (msrs.size() > kvm_abi::kMaxMsrs) {
    return absl::InvalidArgumentError("too many MSRs");
  }
  kvm_abi::Msrs list = {};
  list.header.nmsrs = static_cast<uint32_t>(msrs.size());
  std::copy(msrs.begin(), msrs.end(), list.entries);
  CRVM_ASSIGN_OR_RETURN(int count,
                        Ioctl(fd_, kvm_abi::kSetMsrs, &list, "KVM_SET_MSRS"));
  if (static_cast<size_t>(count) != msrs.size()) {
    return absl::FailedPreconditionError(
        absl::StrCat("KVM_SET_MSRS: this host refuses MSR ",
                     absl::Hex(msrs[static_cast<size_t>(count)].index)));
  }
  return absl::OkStatus();
}

absl::Status KvmVcpu::SetXcr0(uint64_t value) {
  kvm_xcrs xcrs = {};
  xcrs.nr_xcrs = 1;
  xcrs.xcrs[0].value = value;
  return Ioctl(fd_, KVM_SET_XCRS, &xcrs, "KVM_SET_XCRS").status();
}

absl::StatusOr<std::vector<uint8_t>> KvmVcpu::GetXsave() const {
  auto xsave = std::make_unique<kvm_abi::Xsave>();
  CRVM_RETURN_IF_ERROR(
      Ioctl(fd_, kvm_abi::kGetXsave, xsave.get(), "KVM_GET_XSAVE").status());
  return std::vector<uint8_t>(xsave->region,
                              xsave->region + kvm_abi::kXsaveSize);
}

absl::Status KvmVcpu::SetXsave(absl::Span<const uint8_t> area) {
  if (area.size() != kvm_abi::kXsaveSize) {
    return absl::InvalidArgumentError("XSAVE area of a wrong size");
  }
  auto xsave = std::make_unique<kvm_abi::Xsave>();
  std::memcpy(xsave->region, area.data(), area.size());
  return Ioctl(fd_, kvm_abi::kSetXsave, xsave.get(), "KVM_SET_XSAVE").status();
}

absl::Status KvmVcpu::Interrupt(uint8_t vector) {
  kvm_interrupt interrupt = {vector};
  return Ioctl(fd_, KVM_INTERRUPT, &interrupt, "KVM_INTERRUPT").status();
}

absl::StatusOr<uint64_t> KvmVcpu::TscKhz() const {
  CRVM_ASSIGN_OR_RETURN(int khz,
                        Ioctl(fd_, KVM_GET_TSC_KHZ, 0, "KVM_GET_TSC_KHZ"));
  if (khz <= 0) return absl::UnavailableError("KVM knows no TSC frequency");
  return static_cast<uint64_t>(khz);
}

absl::StatusOr<uint64_t> KvmVcpu::AlignTsc() {
  // Documentation/virt/kvm/devices/vcpu.rst, section 4.1.
  uint64_t offset = 0;
  kvm_device_attr attribute = {};
  attribute.group = KVM_VCPU_TSC_CTRL;
  attribute.attr = KVM_VCPU_TSC_OFFSET;
  attribute.addr = reinterpret_cast<uint64_t>(&offset);
  if (ioctl(fd_.get(), KVM_SET_DEVICE_ATTR, &attribute) == 0) return 0;
  kvm_abi::Msrs list = {};
  list.header.nmsrs = 1;
  list.entries[0].index = kTscMsr;
  const uint64_t before = __rdtsc();
  CRVM_ASSIGN_OR_RETURN(int count,
                        Ioctl(fd_, kvm_abi::kGetMsrs, &list, "KVM_GET_MSRS"));
  const uint64_t after = __rdtsc();
  if (count != 1) return absl::UnavailableError("KVM tells no TSC");
  return list.entries[0].data - (before + (after - before) / 2);
}

}  // namespace crvm
