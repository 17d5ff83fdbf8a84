// SPDX-License-Identifier: Apache-2.0
//
// /proc/cpuinfo, from CPUID (Intel SDM vol. 2A, "CPUID"; AMD APM vol. 3,
// appendix D): what programs themselves see.
#include "guestkernel/arch/arch.h"
#include "guestkernel/arch/cpu_id.h"
#include "guestkernel/fs/proc/proc.h"

namespace gk {

namespace {

enum Register : uint8_t { kEax, kEbx, kEcx, kEdx };

// A word of feature bits and Linux's names for them, in the order of the bits;
// "" where there is none.
struct FeatureWord {
  uint32_t leaf, subleaf;
  Register reg;
  const char* names;
};
constexpr FeatureWord kFeatures[] = {
    {1, 0, kEdx,
     "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat "
     "pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
    {0x80000001, 0, kEdx,
     "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt "
     "pdpe1gb rdtscp - lm 3dnowext 3dnow"},
    {1, 0, kEcx,
     "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma "
     "cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt "
     "tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"},
    {0x80000001, 0, kEcx,
     "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse "
     "3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm "
     "topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc mwaitx - -"},
    {7, 0, kEbx,
     "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - "
     "mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb "
     "intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl"},
    {0xd, 1, kEax, "xsaveopt xsavec xgetbv1 xsaves"},
    {7, 0, kEcx,
     "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq "
     "avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid - "
     "bus_lock_detect cldemote - movdiri movdir64b enqcmd - -"},
    {7, 0, kEdx,
     "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - "
     "md_clear - - - serialize - tsxldtrk pconfig arch_lbr ibt - - amx_bf16 "
     "avx512_fp16 amx_tile amx_int8 - - flush_l1d arch_capabilities - -"},
};

int AppendFeatures(const FeatureWord& word, KString* out) {
  uint32_t base = word.leaf & 0x80000000;
  if (CpuId(base).eax < word.leaf) return 0;
  CpuIdResult id = CpuId(word.leaf, word.subleaf);
  const uint32_t registers[] = {id.eax, id.ebx, id.ecx, id.edx};
  uint32_t bits = registers[word.reg];
  StringView names = word.names;
  for (size_t begin = 0; begin < names.size(); bits >>= 1) {
    size_t end = names.Find(' ', begin);
    if (end > names.size()) end = names.size();
    StringView name = names.substr(begin, end - begin);
    if ((bits & 1) && !(name == "-")) {
      GK_RETURN_IF_ERROR(out->Append(" "));
      GK_RETURN_IF_ERROR(out->Append(name));
    }
    begin = end + 1;
  }
  return 0;
}

// 12 or 48 characters out of registers.
void CopyRegisters(char* to, std::initializer_list<uint32_t> registers) {
  for (uint32_t value : registers) {
    memcpy(to, &value, 4);
    to += 4;
  }
  *to = 0;
}

int AppendModelName(KString* out) {
  char name[49] = "unknown";
  if (CpuId(0x80000000).eax >= 0x80000004) {
    for (uint32_t i = 0; i < 3; ++i) {
      CpuIdResult id = CpuId(0x80000002 + i);
      CopyRegisters(name + 16 * i, {id.eax, id.ebx, id.ecx, id.edx});
    }
  }
  const char* begin = name;
  while (*begin == ' ') ++begin;
  return out->AppendFormat("model name\t: %s\n", begin);
}

// From the clock page: ns = ticks * multiplier >> shift.
uint64_t TscKhz() {
  const volatile crvm::abi::ClockPage& clock = GetClockPage();
  uint64_t multiplier = clock.multiplier;
  if (multiplier == 0) return 0;
  unsigned __int128 khz = static_cast<unsigned __int128>(1000000)
                          << clock.shift;
  // A 128-by-64-bit division without a library: shift and subtract.
  uint64_t quotient = 0;
  unsigned __int128 divisor = multiplier;
  int shift = 0;
  while (shift < 63 && (divisor << 1) <= khz) {
    divisor <<= 1;
    ++shift;
  }
  for (; shift >= 0; --shift, divisor >>= 1) {
    if (divisor <= khz) {
      khz -= divisor;
      quotient |= uint64_t{1} << shift;
    }
  }
  return quotient;
}

int AppendCpu(uint32_t index, KString* out) {
  CpuIdResult vendor = CpuId(0), version = CpuId(1);
  char vendor_name[13];
  CopyRegisters(vendor_name, {vendor.ebx, vendor.edx, vendor.ecx});
  uint32_t family = version.eax >> 8 & 15;
  uint32_t model = version.eax >> 4 & 15;
  if (family == 6 || family == 15) model |= version.eax >> 12 & 0xf0;
  if (family == 15) family += version.eax >> 20 & 0xff;
  uint64_t khz = TscKhz();
  uint32_t cpus = GetBootInfo().vcpu_count;
  GK_RETURN_IF_ERROR(out->AppendFormat(
      "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
      index, vendor_name, family, model));
  GK_RETURN_IF_ERROR(AppendModelName(out));
  GK_RETURN_IF_ERROR(out->AppendFormat(
      "stepping\t: %u\ncpu MHz\t\t: %lu.%03lu\nphysical id\t: 0\n"
      "siblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\napicid\t\t: %u\n"
      "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n"
      "flags\t\t:",
      version.eax & 15, khz / 1000, khz % 1000, cpus, index, cpus, index,
      vendor.eax));
  for (const FeatureWord& word : kFeatures) {
    GK_RETURN_IF_ERROR(AppendFeatures(word, out));
  }
  return out->AppendFormat(
      "\nbugs\t\t:\nbogomips\t: %lu.%02lu\nclflush size\t: %u\n"
      "cache_alignment\t: 64\naddress sizes\t: 46 bits physical, 48 bits "
      "virtual\npower management:\n\n",
      khz * 2 / 1000, khz * 2 / 10 % 100, (version.ebx >> 8 & 0xff) * 8);
}

}  // namespace

int ProcCpuinfo(const Subject&, KString* out) {
  for (uint32_t i = 0; i < GetBootInfo().vcpu_count; ++i) {
    GK_RETURN_IF_ERROR(AppendCpu(i, out));
  }
  return 0;
}

}  // namespace gk
