// SPDX-License-Identifier: Apache-2.0
//
// Which XSAVE state components programs may use, and how large their image is.
// (Which instruction sets a program may have seen is the snapshot's business:
// snapshot/format/cpu_requirements.h.) Any thread.
#ifndef CRVM_VMM_MACHINE_XSAVE_LAYOUT_H_
#define CRVM_VMM_MACHINE_XSAVE_LAYOUT_H_

#include <linux/kvm.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vmm/base/state_codec.h"

namespace crvm {

struct XsaveLayout {
  static constexpr uint32_t kVersion = 1;
  uint64_t xcr0 = 0;
  uint32_t size = 0;  // bytes, standard format

  bool operator==(const XsaveLayout&) const = default;
};
void Encode(const XsaveLayout& layout, StateWriter& writer);
absl::StatusOr<XsaveLayout> DecodeXsaveLayout(StateReader& reader);

// Of this host. FailedPrecondition when the CPU lacks what crvm needs.
absl::StatusOr<XsaveLayout> HostXsaveLayout(
    const std::vector<kvm_cpuid_entry2>& cpuid);

// Whether state saved with `saved` can be loaded here.
absl::Status CheckXsaveLayout(const XsaveLayout& saved,
                              const XsaveLayout& host);

}  // namespace crvm
#endif  // CRVM_VMM_MACHINE_XSAVE_LAYOUT_H_
