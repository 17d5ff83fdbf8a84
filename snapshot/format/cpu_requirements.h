// SPDX-License-Identifier: Apache-2.0
//
// What a snapshot needs of a CPU: the instruction sets that its programs could
// see in CPUID, and the layout of XSAVE state. On some hosts CPUID cannot be
// masked, so a program may have chosen any code path the CPU offered; a host
// that lacks one of them must be refused before anything runs.
//
// Stateless; any thread. The list in a snapshot is untrusted: it can only make
// a host be refused.

#ifndef CRVM_SNAPSHOT_FORMAT_CPU_REQUIREMENTS_H_
#define CRVM_SNAPSHOT_FORMAT_CPU_REQUIREMENTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vmm/base/state_codec.h"

namespace crvm {

// A host fits when cpuid(leaf, subleaf)[reg] & mask == value.
struct CpuRequirement {
  uint32_t leaf = 0;
  uint32_t subleaf = 0;
  uint32_t reg = 0;  // 0..3 = eax..edx
  uint32_t mask = 0;
  uint32_t value = 0;

  bool operator==(const CpuRequirement&) const = default;
};

using CpuRequirements = std::vector<CpuRequirement>;

struct CpuidRegs {
  uint32_t reg[4] = {0, 0, 0, 0};  // eax, ebx, ecx, edx
};

// cpuid(leaf, subleaf); zeros for a leaf beyond the CPU's highest.
using CpuidFunction = std::function<CpuidRegs(uint32_t leaf, uint32_t subleaf)>;

// CPUID of this host.
CpuidRegs HostCpuid(uint32_t leaf, uint32_t subleaf);

// Everything of the CPU behind `cpuid` that a program could come to rely on.
CpuRequirements RequirementsOf(const CpuidFunction& cpuid);

// Names of what `required` has and the CPU behind `cpuid` has not, e.g.
// "avx512f"; empty when it fits.
std::vector<std::string> MissingCpuFeatures(const CpuRequirements& required,
                                            const CpuidFunction& cpuid);

void EncodeCpuRequirements(const CpuRequirements& cpu, StateWriter& writer);
absl::StatusOr<CpuRequirements> DecodeCpuRequirements(StateReader& reader);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_CPU_REQUIREMENTS_H_
