// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/cpu_requirements.h"

#include <cpuid.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "snapshot/format/limits.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

enum Reg : uint32_t { kEax = 0, kEbx = 1, kEcx = 2, kEdx = 3 };

struct Feature {
  uint32_t leaf;
  uint32_t subleaf;
  Reg reg;
  uint32_t bit;
  const char* name;
};

// Feature bits that CPL 3 code can make use of. Intel SDM vol. 2A, CPUID;
// AMD APM vol. 3, appendix E. Names are those of /proc/cpuinfo.
constexpr Feature kFeatures[] = {
    {1, 0, kEcx, 0, "sse3"},
    {1, 0, kEcx, 1, "pclmulqdq"},
    {1, 0, kEcx, 9, "ssse3"},
    {1, 0, kEcx, 12, "fma"},
    {1, 0, kEcx, 13, "cx16"},
    {1, 0, kEcx, 19, "sse4_1"},
    {1, 0, kEcx, 20, "sse4_2"},
    {1, 0, kEcx, 22, "movbe"},
    {1, 0, kEcx, 23, "popcnt"},
    {1, 0, kEcx, 25, "aes"},
    {1, 0, kEcx, 26, "xsave"},
    {1, 0, kEcx, 28, "avx"},
    {1, 0, kEcx, 29, "f16c"},
    {1, 0, kEcx, 30, "rdrand"},
    {1, 0, kEdx, 0, "fpu"},
    {1, 0, kEdx, 4, "tsc"},
    {1, 0, kEdx, 8, "cx8"},
    {1, 0, kEdx, 15, "cmov"},
    {1, 0, kEdx, 19, "clflush"},
    {1, 0, kEdx, 23, "mmx"},
    {1, 0, kEdx, 24, "fxsr"},
    {1, 0, kEdx, 25, "sse"},
    {1, 0, kEdx, 26, "sse2"},
    {7, 0, kEbx, 0, "fsgsbase"},
    {7, 0, kEbx, 3, "bmi1"},
    {7, 0, kEbx, 4, "hle"},
    {7, 0, kEbx, 5, "avx2"},
    {7, 0, kEbx, 8, "bmi2"},
    {7, 0, kEbx, 11, "rtm"},
    {7, 0, kEbx, 16, "avx512f"},
    {7, 0, kEbx, 17, "avx512dq"},
    {7, 0, kEbx, 18, "rdseed"},
    {7, 0, kEbx, 19, "adx"},
    {7, 0, kEbx, 21, "avx512ifma"},
    {7, 0, kEbx, 23, "clflushopt"},
    {7, 0, kEbx, 24, "clwb"},
    {7, 0, kEbx, 26, "avx512pf"},
    {7, 0, kEbx, 27, "avx512er"},
    {7, 0, kEbx, 28, "avx512cd"},
    {7, 0, kEbx, 29, "sha_ni"},
    {7, 0, kEbx, 30, "avx512bw"},
    {7, 0, kEbx, 31, "avx512vl"},
    {7, 0, kEcx, 1, "avx512vbmi"},
    {7, 0, kEcx, 5, "waitpkg"},
    {7, 0, kEcx, 6, "avx512_vbmi2"},
    {7, 0, kEcx, 8, "gfni"},
    {7, 0, kEcx, 9, "vaes"},
    {7, 0, kEcx, 10, "vpclmulqdq"},
    {7, 0, kEcx, 11, "avx512_vnni"},
    {7, 0, kEcx, 12, "avx512_bitalg"},
    {7, 0, kEcx, 14, "avx512_vpopcntdq"},
    {7, 0, kEcx, 22, "rdpid"},
    {7, 0, kEcx, 25, "cldemote"},
    {7, 0, kEcx, 27, "movdiri"},
    {7, 0, kEcx, 28, "movdir64b"},
    {7, 0, kEdx, 2, "avx512_4vnniw"},
    {7, 0, kEdx, 3, "avx512_4fmaps"},
    {7, 0, kEdx, 8, "avx512_vp2intersect"},
    {7, 0, kEdx, 14, "serialize"},
    {7, 0, kEdx, 16, "tsxldtrk"},
    {7, 0, kEdx, 22, "amx_bf16"},
    {7, 0, kEdx, 23, "avx512_fp16"},
    {7, 0, kEdx, 24, "amx_tile"},
    {7, 0, kEdx, 25, "amx_int8"},
    {7, 1, kEax, 0, "sha512"},
    {7, 1, kEax, 1, "sm3"},
    {7, 1, kEax, 2, "sm4"},
    {7, 1, kEax, 3, "raoint"},
    {7, 1, kEax, 4, "avx_vnni"},
    {7, 1, kEax, 5, "avx512_bf16"},
    {7, 1, kEax, 7, "cmpccxadd"},
    {7, 1, kEax, 21, "amx_fp16"},
    {7, 1, kEax, 23, "avx_ifma"},
    {7, 1, kEdx, 4, "avx_vnni_int8"},
    {7, 1, kEdx, 5, "avx_ne_convert"},
    {7, 1, kEdx, 8, "amx_complex"},
    {7, 1, kEdx, 10, "avx_vnni_int16"},
    {7, 1, kEdx, 14, "prefetchi"},
    {7, 1, kEdx, 19, "avx10"},
    {7, 1, kEdx, 21, "apx"},
    {0xd, 0, kEax, 2, "xsave of AVX state"},
    {0xd, 0, kEax, 5, "xsave of AVX-512 opmask state"},
    {0xd, 0, kEax, 6, "xsave of AVX-512 ZMM_Hi256 state"},
    {0xd, 0, kEax, 7, "xsave of AVX-512 Hi16_ZMM state"},
    {0xd, 0, kEax, 17, "xsave of AMX tile configuration"},
    {0xd, 0, kEax, 18, "xsave of AMX tile data"},
    {0xd, 1, kEax, 0, "xsaveopt"},
    {0xd, 1, kEax, 1, "xsavec"},
    {0xd, 1, kEax, 2, "xgetbv1"},
    {0x80000001, 0, kEcx, 0, "lahf_lm"},
    {0x80000001, 0, kEcx, 5, "abm"},
    {0x80000001, 0, kEcx, 6, "sse4a"},
    {0x80000001, 0, kEcx, 8, "3dnowprefetch"},
    {0x80000001, 0, kEcx, 11, "xop"},
    {0x80000001, 0, kEcx, 16, "fma4"},
    {0x80000001, 0, kEcx, 21, "tbm"},
    {0x80000001, 0, kEdx, 22, "mmxext"},
    {0x80000001, 0, kEdx, 27, "rdtscp"},
    {0x80000001, 0, kEdx, 30, "3dnowext"},
    {0x80000001, 0, kEdx, 31, "3dnow"},
    {0x80000008, 0, kEbx, 0, "clzero"},
};

// XSAVE components whose offset (ebx) and size (eax) in the standard format
// differ between makers: SDM vol. 1, 13.4.2. Components 0 and 1 are fixed.
constexpr uint32_t kXsaveComponents[] = {2, 5, 6, 7, 17, 18};

// Adds a bit to the requirement for its register, which is the last one if it
// is there at all: kFeatures is grouped by register.
void AddBit(const Feature& feature, CpuRequirements& out) {
  if (out.empty() || out.back().leaf != feature.leaf ||
      out.back().subleaf != feature.subleaf || out.back().reg != feature.reg) {
    out.push_back({feature.leaf, feature.subleaf, feature.reg, 0, 0});
  }
  out.back().mask |= 1u << feature.bit;
  out.back().value |= 1u << feature.bit;
}

const char* FeatureName(const CpuRequirement& requirement, uint32_t bit) {
  for (const Feature& feature : kFeatures) {
    if (feature.leaf == requirement.leaf &&
        feature.subleaf == requirement.subleaf &&
        feature.reg == requirement.reg && feature.bit == bit) {
      return feature.name;
    }
  }
  return nullptr;
}

constexpr const char* kRegNames[] = {"eax", "ebx", "ecx", "edx"};

void NameMissing(const CpuRequirement& requirement, uint32_t have,
                 std::vector<std::string>& out) {
  if (requirement.mask != requirement.value) {
    out.push_back(absl::StrFormat(
        "the same XSAVE layout (CPUID 0x%x.%d %s: %u needed, %u here)",
        requirement.leaf, requirement.subleaf, kRegNames[requirement.reg],
        requirement.value, have & requirement.mask));
    return;
  }
  const uint32_t missing = requirement.value & ~have;
  for (uint32_t bit = 0; bit < 32; ++bit) {
    if ((missing >> bit & 1) == 0) continue;
    const char* name = FeatureName(requirement, bit);
    out.push_back(name != nullptr
                      ? std::string(name)
                      : absl::StrFormat("CPUID 0x%x.%d %s bit %d",
                                        requirement.leaf, requirement.subleaf,
                                        kRegNames[requirement.reg], bit));
  }
}

}  // namespace

CpuidRegs HostCpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidRegs regs;
  // An int in clang's header.
  const auto highest =
      static_cast<uint32_t>(__get_cpuid_max(leaf & 0x80000000u, nullptr));
  if (highest < leaf) return regs;
  __cpuid_count(leaf, subleaf, regs.reg[0], regs.reg[1], regs.reg[2],
                regs.reg[3]);
  return regs;
}

CpuRequirements RequirementsOf(const CpuidFunction& cpuid) {
  CpuRequirements out;
  for (const Feature& feature : kFeatures) {
    const uint32_t have = cpuid(feature.leaf, feature.subleaf).reg[feature.reg];
    if ((have >> feature.bit & 1) != 0) AddBit(feature, out);
  }
  const uint32_t enabled = cpuid(0xd, 0).reg[kEax];
  for (uint32_t component : kXsaveComponents) {
    if ((enabled >> component & 1) == 0) continue;
    const CpuidRegs layout = cpuid(0xd, component);
    out.push_back({0xd, component, kEax, ~0u, layout.reg[kEax]});
    out.push_back({0xd, component, kEbx, ~0u, layout.reg[kEbx]});
  }
  return out;
}

std::vector<std::string> MissingCpuFeatures(const CpuRequirements& required,
                                            const CpuidFunction& cpuid) {
  std::vector<std::string> missing;
  for (const CpuRequirement& requirement : required) {
    const uint32_t have =
        cpuid(requirement.leaf, requirement.subleaf).reg[requirement.reg];
    if ((have & requirement.mask) != requirement.value) {
      NameMissing(requirement, have, missing);
    }
  }
  return missing;
}

void EncodeCpuRequirements(const CpuRequirements& cpu, StateWriter& writer) {
  writer.U64(cpu.size());
  for (const CpuRequirement& requirement : cpu) {
    writer.U32(requirement.leaf);
    writer.U32(requirement.subleaf);
    writer.U32(requirement.reg);
    writer.U32(requirement.mask);
    writer.U32(requirement.value);
  }
}

absl::StatusOr<CpuRequirements> DecodeCpuRequirements(StateReader& reader) {
  CRVM_ASSIGN_OR_RETURN(const size_t count, reader.Count(kMaxCpuEntries));
  CpuRequirements cpu(count);
  for (CpuRequirement& requirement : cpu) {
    CRVM_ASSIGN_OR_RETURN(requirement.leaf, reader.U32());
    CRVM_ASSIGN_OR_RETURN(requirement.subleaf, reader.U32());
    CRVM_ASSIGN_OR_RETURN(requirement.reg, reader.U32());
    CRVM_ASSIGN_OR_RETURN(requirement.mask, reader.U32());
    CRVM_ASSIGN_OR_RETURN(requirement.value, reader.U32());
    if (requirement.reg > 3) {
      return absl::InvalidArgumentError(absl::StrCat(
          "CPU requirement names register ", requirement.reg, " of 0..3"));
    }
  }
  return cpu;
}

}  // namespace crvm
