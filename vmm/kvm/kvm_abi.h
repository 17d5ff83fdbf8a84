// SPDX-License-Identifier: Apache-2.0
//
// KVM structures that linux/kvm.h declares with a flexible array at the end:
// C++ lays those out differently from C (sizeof(kvm_cpuid2) is 12 there, 8
// here), which makes wrong ioctl numbers. Declared again with the C layout;
// the numbers are asserted. See Documentation/virt/kvm/api.rst.
#ifndef CRVM_VMM_KVM_KVM_ABI_H_
#define CRVM_VMM_KVM_KVM_ABI_H_

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cstdint>

namespace crvm::kvm_abi {

inline constexpr uint32_t kMaxCpuidEntries = 256;
struct Cpuid2Header {
  uint32_t nent;
  uint32_t padding;
};
struct Cpuid2 {
  Cpuid2Header header;
  kvm_cpuid_entry2 entries[kMaxCpuidEntries];
};
static_assert(sizeof(Cpuid2Header) == 8);
static_assert(sizeof(kvm_cpuid_entry2) == 40);

inline constexpr uint32_t kMaxMsrs = 32;
struct MsrsHeader {
  uint32_t nmsrs;
  uint32_t padding;
};
struct Msrs {
  MsrsHeader header;
  kvm_msr_entry entries[kMaxMsrs];
};
static_assert(sizeof(MsrsHeader) == 8);

inline constexpr uint32_t kXsaveSize = 4096;
struct Xsave {
  uint8_t region[kXsaveSize];
};
static_assert(sizeof(Xsave) == 4096);

inline constexpr unsigned long kGetSupportedCpuid =
    _IOWR(KVMIO, 0x05, Cpuid2Header);
inline constexpr unsigned long kSetCpuid2 = _IOW(KVMIO, 0x90, Cpuid2Header);
inline constexpr unsigned long kGetMsrs = _IOWR(KVMIO, 0x88, MsrsHeader);
inline constexpr unsigned long kSetMsrs = _IOW(KVMIO, 0x89, MsrsHeader);
inline constexpr unsigned long kGetXsave = _IOR(KVMIO, 0xa4, Xsave);
inline constexpr unsigned long kSetXsave = _IOW(KVMIO, 0xa5, Xsave);
static_assert(kGetSupportedCpuid == 0xc008ae05);
static_assert(kSetCpuid2 == 0x4008ae90);
static_assert(kGetMsrs == 0xc008ae88);
static_assert(kSetMsrs == 0x4008ae89);
static_assert(kGetXsave == 0x9000aea4);
static_assert(kSetXsave == 0x5000aea5);

}  // namespace crvm::kvm_abi
#endif  // CRVM_VMM_KVM_KVM_ABI_H_
