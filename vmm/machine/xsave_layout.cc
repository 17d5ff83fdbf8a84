// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/xsave_layout.h"

#include <cpuid.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// x87, SSE, AVX, AVX-512 (three). Not MPX, PKRU, AMX: their state needs more
// than 4 KiB or an operating system's help.
constexpr uint64_t kXcr0Wanted = 0xe7;
constexpr uint32_t kLegacySize = 576;       // legacy area and header
constexpr uint32_t kFsgsbaseBit = 1u << 0;  // CPUID 7.0 EBX
constexpr uint32_t kXsaveBit = 1u << 26;    // CPUID 1 ECX

// Leaf `function`, subleaf 0; null when KVM does not list it.
const kvm_cpuid_entry2* Find(const std::vector<kvm_cpuid_entry2>& cpuid,
                             uint32_t function) {
  for (const kvm_cpuid_entry2& entry : cpuid) {
    if (entry.function == function && entry.index == 0) return &entry;
  }
  return nullptr;
}

// The standard-format size of the components of `xcr0` (SDM vol. 1, 13.5).
uint32_t SizeFor(uint64_t xcr0) {
  uint32_t size = kLegacySize;
  for (uint32_t component = 2; component < 63; ++component) {
    if (!(xcr0 >> component & 1)) continue;
    uint32_t eax, ebx, ecx, edx;
    __cpuid_count(0xd, component, eax, ebx, ecx, edx);
    size = std::max(size, ebx + eax);
  }
  return size;
}

}  // namespace

void Encode(const XsaveLayout& layout, StateWriter& writer) {
  writer.U32(XsaveLayout::kVersion);
  writer.U64(layout.xcr0);
  writer.U32(layout.size);
}

absl::StatusOr<XsaveLayout> DecodeXsaveLayout(StateReader& reader) {
  XsaveLayout layout;
  CRVM_ASSIGN_OR_RETURN(uint32_t version, reader.U32());
  if (version != XsaveLayout::kVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("XSAVE layout has version ", version));
  }
  CRVM_ASSIGN_OR_RETURN(layout.xcr0, reader.U64());
  CRVM_ASSIGN_OR_RETURN(layout.size, reader.U32());
  return layout;
}

absl::StatusOr<XsaveLayout> HostXsaveLayout(
    const std::vector<kvm_cpuid_entry2>& cpuid) {
  // Whether the CPU has the instructions is asked of the CPU: an interpreting
  // host lists only what its interpreter knows, though ring 3 has it all.
  uint32_t eax, ebx, ecx, edx, extended_ebx;
  __cpuid_count(7, 0, eax, extended_ebx, ecx, edx);
  __cpuid_count(1, 0, eax, ebx, ecx, edx);
  const kvm_cpuid_entry2* xsave = Find(cpuid, 0xd);
  if (!(ecx & kXsaveBit) || !(extended_ebx & kFsgsbaseBit) || !xsave) {
    return absl::FailedPreconditionError(
        "this CPU lacks XSAVE or FSGSBASE, which crvm needs: use a machine "
        "with an x86-64 CPU of 2013 or later");
  }
  XsaveLayout layout;
  layout.xcr0 = (xsave->eax | uint64_t{xsave->edx} << 32) & kXcr0Wanted;
  layout.size = SizeFor(layout.xcr0);
  return layout;
}

absl::Status CheckXsaveLayout(const XsaveLayout& saved,
                              const XsaveLayout& host) {
  if ((saved.xcr0 & ~host.xcr0) == 0 && saved.size == SizeFor(saved.xcr0)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "this host's CPU cannot hold the program's vector registers (XSAVE "
      "components 0x",
      absl::Hex(saved.xcr0), ", here 0x", absl::Hex(host.xcr0),
      "); resume it on a CPU like the first one"));
}

}  // namespace crvm
